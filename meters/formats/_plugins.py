"""Formats that a house brings itself: modules outside this folder that register under a key."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib import import_module

from meters.formats._base import QUARANTINE, REFUSE_FILE, formats
from poweroptix.kernel.registry import RegistrationError


def load_plugins(modules: Iterable[str]) -> list[str]:
    """Import modules that register formats; return the keys that they added.

    Raises RegistrationError, which stops the start, for a module that cannot be imported, that
    registers nothing, takes a key that is there already, or whose class is no format.
    """
    added = []
    for name in modules:
        before = set(formats.keys())
        try:
            import_module(name)
        except ImportError as error:
            text = f"The format plug-in {name!r} cannot be imported: {error}."
            raise RegistrationError(text) from error
        new = sorted(set(formats.keys()) - before)
        if not new and not _registered_by(name):
            raise RegistrationError(f"The format plug-in {name!r} registers no format.")
        for key in new:
            _check(key)
        added += new
    return added


def _registered_by(module: str) -> list[str]:
    """Return the keys of a module that was imported before."""
    return [key for key, plugin in formats.items() if getattr(plugin, "__module__", "") == module]


def _check(key: str) -> None:
    """Refuse a class that ingest could not use."""
    plugin = formats.get(key)
    if getattr(plugin, "on_row_error", "") not in (REFUSE_FILE, QUARANTINE):
        raise RegistrationError(
            f"Format {key!r} needs on_row_error = '{REFUSE_FILE}' or '{QUARANTINE}'."
        )
    for name, wanted in (("sniff", 1), ("read", 2)):
        method = getattr(plugin, name, None)
        if method is None or len(inspect.signature(method).parameters) != wanted:
            raise RegistrationError(
                f"Format {key!r} needs a static method {name} with {wanted} argument(s)."
            )
