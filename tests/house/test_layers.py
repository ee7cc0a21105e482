"""Imports go down only, the core is pure, plug-ins do not know each other."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import tree

#: Rooms of an app that stand outside the layers: wiring that Django or the installer reads.
WIRING = {"apps", "migrations", "templates", "static", "urls", "data", "locale"}
#: The rooms below the interfaces: they take `now` as an argument.
BELOW_INTERFACES = re.compile(r"(services|queries\w*|models|invariants|storage)(\.py)?$")
#: Signals that are not hidden flow between our own objects.
SIGNALS_ALLOWED = {
    "poweroptix/db/apps.py": "the rules of the database are installed after every migrate",
}


def linter():
    settings = configparser.ConfigParser()
    settings.read(tree.ROOT / ".importlinter")
    return settings


def named_in(text):
    return set(re.findall(r"[a-z_][\w.]*", text))


def test_import_linter_passes():
    command = Path(sys.executable).with_name("lint-imports")

    run = subprocess.run(
        [command, "--no-logo"], cwd=tree.ROOT, capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_every_pure_package_is_held_to_purity():
    listed = named_in(linter()["importlinter:contract:pure"]["source_modules"])

    assert sorted(set(tree.existing(tree.PURE)) - listed) == []


def test_every_part_of_poweroptix_has_a_layer():
    listed = named_in(linter()["importlinter:contract:apps"]["layers"])
    parts = {
        f"poweroptix.{item.stem}"
        for item in (tree.ROOT / "poweroptix").iterdir()
        if (item.suffix == ".py" and item.stem != "__init__") or (item / "__init__.py").exists()
    }

    assert sorted(parts - listed) == []


@pytest.mark.parametrize("app", tree.APPS)
def test_every_room_of_an_app_has_a_layer(app):
    listed = named_in(linter()["importlinter:contract:inside"]["layers"])
    pure = {package.split(".")[1] for package in tree.PURE if package.startswith(f"{app}.")}
    rooms = {
        item.stem
        for item in (tree.ROOT / app).iterdir()
        if (item.suffix == ".py" and item.stem != "__init__") or (item / "__init__.py").exists()
    }

    assert sorted(rooms - listed - pure - WIRING) == []


@pytest.mark.parametrize("folder", tree.existing(tree.PLUGIN_FOLDERS))
def test_plug_ins_of_a_folder_do_not_import_each_other(folder):
    plugins = {f"{folder}.{name}" for name in tree.plugin_modules(folder)}

    known = [
        f"{name} imports {other}"
        for name in sorted(plugins)
        for file in source_files(name)
        for other in sorted(plugins - {name})
        if any(used == other or used.startswith(f"{other}.") for used in tree.imports_of(file))
    ]

    assert known == []


def source_files(module):
    path = tree.folder(module)
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def test_nothing_below_the_interfaces_reads_the_clock():
    files = tree.pure_files() + [
        file
        for file in tree.product_files()
        if file.relative_to(tree.ROOT).parts[0] in tree.APPS
        and BELOW_INTERFACES.match(file.relative_to(tree.ROOT).parts[1])
    ]

    assert [tree.place(f) for f in files if "poweroptix.clock" in tree.imports_of(f)] == []


def test_only_the_clock_module_asks_the_system_for_the_time():
    asks = re.compile(r"\b(timezone|datetime)\.(now|utcnow|today)\(|\bdate\.today\(")

    wrong = [
        tree.place(file)
        for file in tree.product_files()
        if tree.place(file) != "poweroptix/clock.py"
        and asks.search(file.read_text(encoding="utf-8"))
    ]

    assert wrong == []


def test_there_are_no_signals():
    wrong = [
        tree.place(file)
        for file in tree.product_files()
        if {"django.db.models.signals", "django.dispatch"} & tree.imports_of(file)
        and tree.place(file) not in SIGNALS_ALLOWED
    ]

    assert wrong == []
