"""Every registered plug-in has words, a page and a test, and lies in a file of its own."""

import re

import pytest

from poweroptix.kernel.registry import docstring
from tests.house import tree

KINDS = tree.existing(tree.PLUGIN_FOLDERS)


def registered(folder):
    return [(key, item) for registry in tree.registries(folder) for key, item in registry.items()]


def plugins():
    return [
        pytest.param(folder, key, item, id=f"{folder}:{key}")
        for folder in KINDS
        for key, item in registered(folder)
    ]


def module_of(folder, key):
    """Return the name of the file that registers the key."""
    for name in tree.plugin_modules(folder):
        path = tree.folder(f"{folder}.{name}")
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        if any(f'"{key}"' in file.read_text(encoding="utf-8") for file in files):
            return name
    return ""


def pages():
    return sorted((tree.ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("folder", KINDS)
def test_a_folder_of_plug_ins_has_a_registry_and_plug_ins(folder):
    assert tree.registries(folder), f"{folder}._base declares no registry"
    assert registered(folder), f"{folder} registers nothing"


@pytest.mark.parametrize(("folder", "key", "item"), plugins())
class TestAPlugIn:
    def test_lies_in_a_file_that_says_its_key(self, folder, key, item):
        assert module_of(folder, key)

    def test_has_a_docstring(self, folder, key, item):
        assert len(docstring(item)) > 10

    def test_has_a_page(self, folder, key, item):
        name = module_of(folder, key)
        if folder == "contracts.charges":
            assert (tree.ROOT / "docs" / "charges" / f"{name}.md").exists()
            return
        named = re.compile(rf"\b{re.escape(key)}")

        assert any(
            page.stem == name or named.search(page.read_text(encoding="utf-8")) for page in pages()
        ), f"no page in docs/ names {key}"

    def test_has_a_test(self, folder, key, item):
        name = module_of(folder, key)
        beside = tree.ROOT.joinpath("tests", *folder.split("."))
        app = tree.ROOT / "tests" / folder.split(".")[0]
        if folder == "contracts.charges":
            assert (beside / f"test_{name}.py").exists()
            return
        named = re.compile(rf"{re.escape(key)}|\b{re.escape(name)}\b")

        assert any(
            file.stem == f"test_{name}" or named.search(file.read_text(encoding="utf-8"))
            for file in sorted(app.rglob("test_*.py"))
        ), f"no test under tests/{folder.split('.')[0]} names {key}"
