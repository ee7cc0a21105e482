"""The campus of the tests."""

from tests.factories.fixtures import world

__all__ = ["world"]
