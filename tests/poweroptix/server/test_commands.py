"""The two shell commands, as far as they can be tried without installing anything."""

import ast
import os
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from django.conf import settings

from tests.house import tree

ROOT = settings.BASE_DIR
OURS = {"poweroptix", "tests", *tree.APPS}


def run(*words, **environment):
    return subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    [["--what"], ["--port"], ["--port", "80;reboot"], ["--bind", "$(id)"], ["--port="]],
)
def test_wrong_options_are_usage_errors(words):
    done = run("./start", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ./start")


def test_help():
    done = run("./start", "--help")
    assert done.returncode == 0
    assert "POWEROPTIX_HOME=DIR" in done.stdout


@pytest.mark.parametrize("script", ["start", "test", ".ci/run", "poweroptix/server/setup.sh"])
def test_scripts_are_plain_shell(script):
    assert run("sh", "-n", script).returncode == 0
    if dash := shutil.which("dash"):
        assert run(dash, "-n", script).returncode == 0


def setup_says(expression, **environment):
    return run("sh", "-euc", f". poweroptix/server/setup.sh; {expression}", **environment)


def test_a_python_that_is_too_old_is_not_taken(tmp_path):
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    done = setup_says('find_python; echo "[$python]"', PYTHON=str(fake))
    assert done.stdout == "[]\n"


def test_missing_libraries_are_named_but_do_not_stop_a_user(tmp_path):
    expression = (
        f"home={tmp_path} venv={tmp_path}/venv log={tmp_path}/log; python=python3;"
        "missing_packages() { packages='libpango-1.0-0'; }; id() { echo 1000; };"
        "sudo() { return 1; }; system_packages"
    )
    done = setup_says(expression)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("without PDF invoices for now; please install:  sudo apt-get")


def test_a_missing_venv_module_stops_with_the_line_that_helps(tmp_path):
    expression = (
        f"home={tmp_path} venv={tmp_path}/venv log={tmp_path}/log;"
        "missing_packages() { packages='python3-venv'; }; id() { echo 1000; };"
        "sudo() { return 1; }; system_packages"
    )
    done = setup_says(expression)
    assert done.returncode == 3
    assert "apt-get install --no-install-recommends python3-venv" in done.stderr


def test_requirements_are_pinned():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert wanted
        assert all("==" in line for line in wanted)


def imported(file):
    for node in ast.walk(tree.parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def test_everything_the_product_imports_is_listed():
    lines = (ROOT / "requirements.txt").read_text().lower().splitlines()
    listed = {line.partition("==")[0].partition("[")[0].replace("_", "-") for line in lines}
    names = {name.partition(".")[0] for file in tree.product_files() for name in imported(file)}
    foreign = names - OURS - set(sys.stdlib_module_names)
    sources = packages_distributions()
    missing = {
        name
        for name in foreign
        if not {s.lower().replace("_", "-") for s in sources.get(name, [name])} & listed
    }
    assert missing == set()
