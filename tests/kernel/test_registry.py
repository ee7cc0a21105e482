"""The registry: versioned keys, no doubles, no plug-in without words."""

from dataclasses import dataclass

import pytest

from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.registry import RegistrationError, Registry


def square():
    """Draw four equal sides."""


def circle():
    """Draw a round line."""


@dataclass
class Silent:
    size: int = 1


class Titled:
    """Has a title."""

    title = "The titled one"


def registry():
    shapes = Registry("shape", "")
    shapes.register("square@1")(square)
    return shapes


class TestRegister:
    @pytest.mark.parametrize("key", ["square", "Square@1", "square@0", "square@1 ", "@1", "a-b@1"])
    def test_refuses_a_key_without_a_version(self, key):
        with pytest.raises(RegistrationError, match="must look like 'noun@1'"):
            registry().register(key)

    def test_refuses_a_taken_key(self):
        with pytest.raises(RegistrationError, match="'square@1' is registered twice"):
            registry().register("square@1")(circle)

    @pytest.mark.parametrize("silent", [lambda: None, Silent])
    def test_refuses_what_has_no_docstring(self, silent):
        with pytest.raises(RegistrationError, match="'silent@1' needs a docstring"):
            registry().register("silent@1")(silent)

    def test_hands_the_object_back(self):
        assert registry().register("circle@1")(circle) is circle


class TestLookUp:
    def test_names_the_known_keys_when_one_is_unknown(self):
        with pytest.raises(NotFoundError, match="no shape 'disk@1'; known: square@1"):
            registry().get("disk@1")

    def test_offers_choices_in_order_with_titles(self):
        shapes = registry()
        shapes.register("a_titled@2")(Titled)

        assert shapes.choices() == [
            ("a_titled@2", "The titled one"),
            ("square@1", "Draw four equal sides"),
        ]

    def test_finds_the_modules_of_its_folder(self, tmp_path, monkeypatch):
        folder = tmp_path / "plugins_of_a_test"
        folder.mkdir()
        (folder / "__init__.py").write_text("loaded = []\n")
        (folder / "_base.py").write_text("raise RuntimeError('not a plug-in')\n")
        (folder / "one.py").write_text("from plugins_of_a_test import loaded\nloaded.append(1)\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        shapes = Registry("shape", "plugins_of_a_test")

        shapes.discover()
        shapes.discover()

        import plugins_of_a_test

        assert plugins_of_a_test.loaded == [1]

    def test_a_folder_that_fails_to_load_fails_every_time(self):
        shapes = Registry("shape", "no_such_folder_of_plugins")

        for _ in range(2):
            with pytest.raises(ModuleNotFoundError):
                shapes.keys()


class TestTemporarily:
    def test_replaces_and_restores(self):
        shapes = registry()

        with shapes.temporarily("square@1", circle), shapes.temporarily("extra@1", circle):
            assert shapes.get("square@1") is circle
            assert shapes.keys() == ("extra@1", "square@1")

        assert shapes.get("square@1") is square
        assert shapes.keys() == ("square@1",)
