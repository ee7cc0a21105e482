"""Plug-ins: one file, one decorator, found by looking into a folder."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from typing import Generic, TypeVar

from poweroptix.kernel.errors import NotFoundError

T = TypeVar("T")
_KEY = re.compile(r"[a-z][a-z0-9_]*@[1-9][0-9]*")


class RegistrationError(Exception):
    """A plug-in that may not be registered: programming mistake, seen at start."""


class Registry(Generic[T]):
    """Named plug-ins of one kind; a key carries its version, for example `tou_energy@1`.

    >>> shapes = Registry("shape", "")
    >>> @shapes.register("square@1")
    ... def square():
    ...     '''Draw four equal sides.'''
    >>> shapes.keys(), shapes.choices()
    (('square@1',), [('square@1', 'Draw four equal sides')])
    """

    def __init__(self, name: str, folder_package: str) -> None:
        self.name = name
        self.folder_package = folder_package
        self._items: dict[str, T] = {}
        self._discovered = False
        self._lock = RLock()

    def register(self, key: str) -> Callable[[T], T]:
        """Return a decorator that files the object under `key` and hands it back.

        Raises RegistrationError for a malformed or taken key and for a missing docstring.
        """
        if not _KEY.fullmatch(key):
            raise RegistrationError(f"{self.name} key {key!r} must look like 'noun@1'.")

        def keep(item: T) -> T:
            if key in self._items:
                raise RegistrationError(f"{self.name} {key!r} is registered twice.")
            if not docstring(item):
                raise RegistrationError(f"{self.name} {key!r} needs a docstring.")
            self._items[key] = item
            return item

        return keep

    def get(self, key: str) -> T:
        """Return the plug-in of `key`; NotFoundError names the keys there are."""
        self.discover()
        if key not in self._items:
            known = ", ".join(sorted(self._items)) or "none"
            text = f"There is no {self.name} {key!r}; known: {known}."
            raise NotFoundError("registry.unknown", text, key=key)
        return self._items[key]

    def keys(self) -> tuple[str, ...]:
        """Return all keys in order."""
        self.discover()
        return tuple(sorted(self._items))

    def items(self) -> list[tuple[str, T]]:
        """Return keys and plug-ins in order of the key."""
        return [(key, self.get(key)) for key in self.keys()]

    def choices(self) -> list[tuple[str, str]]:
        """Return (key, title) pairs for a form field."""
        return [(key, title(item)) for key, item in self.items()]

    def discover(self) -> None:
        """Import every module of the folder whose name does not start with an underscore."""
        if not self.folder_package:
            return
        with self._lock:  # a second thread waits until the first one has seen every file
            if self._discovered:
                return
            self._discovered = True
            try:
                self._import_folder()
            except BaseException:
                self._discovered = False
                raise

    def _import_folder(self) -> None:
        folder = import_module(self.folder_package)
        for module in pkgutil.iter_modules(folder.__path__):
            if not module.name.startswith("_"):
                import_module(f"{self.folder_package}.{module.name}")

    @contextmanager
    def temporarily(self, key: str, item: T) -> Iterator[T]:
        """Register for the length of a `with` block; for tests and previews."""
        self.discover()
        before = dict(self._items)
        self._items.pop(key, None)
        try:
            yield self.register(key)(item)
        finally:
            self._items = before


def docstring(item: object) -> str:
    """Return the object's own docstring; the one that a dataclass makes up does not count."""
    text = inspect.getdoc(item) or ""
    made_up = inspect.isclass(item) and text.startswith(f"{item.__name__}(")
    return "" if made_up else text


def title(item: object) -> str:
    """Return the object's `title`, or the first line of its docstring without the full stop."""
    given = getattr(item, "title", None)
    if isinstance(given, str) and given:
        return given
    return docstring(item).splitlines()[0].rstrip(".")
