"""The list of invariants, and the examination.

An app writes its invariants in `<app>/invariants.py`:

    @invariant("jobs.attempts", "No job was tried more often than it may be.")
    def attempts(cursor):
        cursor.execute("SELECT id FROM jobs_job WHERE attempts > max_attempts LIMIT 20")
        return [f"job {row[0]}" for row in cursor.fetchall()]

The function returns the offending things in words, none when all is well.
"""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import transaction

from poweroptix.kernel.errors import NotFoundError

Check = Callable[..., "list[str]"]
_CATALOG = "poweroptix.doctor.catalog"
_found: dict[str, Invariant] = {}


@dataclass(frozen=True)
class Invariant:
    """One thing that must be true: a code, a sentence, and the query behind it."""

    code: str
    sentence: str
    check: Check
    is_about_catalog: bool = False

    def concerns(self, tables: Collection[str]) -> bool:
        """Whether a change of one of `tables` could break it, judged by the words of its code."""
        words = set(re.findall(r"\w+", inspect.getsource(self.check)))
        named = words & _table_names()
        return not named or bool(named & set(tables))


@dataclass(frozen=True)
class Verdict:
    """What an examination found about one invariant."""

    code: str
    sentence: str
    violations: tuple[str, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing offends."""
        return not self.violations

    def to_json(self) -> dict:
        """Return the verdict as plain JSON."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "holds": self.holds,
            "violations": list(self.violations),
            "milliseconds": int(self.seconds * 1000),
        }


def invariant(code: str, sentence: str, *, catalog: bool = False) -> Callable[[Check], Check]:
    """Return a decorator that adds a check to the list.

    `catalog` marks checks of the database's structure, which no test of behaviour can change.
    Raises ValueError when the code is taken by another function.
    """

    def keep(check: Check) -> Check:
        known = _found.get(code)
        if known is not None and known.check.__module__ != check.__module__:
            raise ValueError(f"invariant {code!r} is registered twice")
        _found[code] = Invariant(code, sentence, check, catalog)
        return check

    return keep


def collect() -> list[Invariant]:
    """Return all invariants of the installed apps, in order of their codes."""
    import_module(_CATALOG)
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.invariants") is not None:
            import_module(f"{config.name}.invariants")
    return [_found[code] for code in sorted(_found)]


def examine(
    connection, *, only: Iterable[str] = (), touched: Collection[str] | None = None
) -> list[Verdict]:
    """Ask the invariants; with `touched`, only those about these tables and none of the catalogue.

    `only` names codes or their beginnings, such as `jobs`. Raises NotFoundError when one of them
    matches nothing.
    """
    asked = _chosen(collect(), tuple(only))
    if touched is not None:
        asked = [one for one in asked if not one.is_about_catalog and one.concerns(touched)]
    verdicts = []
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for one in asked:
            began = time.perf_counter()
            violations = tuple(one.check(cursor))
            verdicts.append(
                Verdict(one.code, one.sentence, violations, time.perf_counter() - began)
            )
    return verdicts


def _chosen(known: list[Invariant], only: tuple[str, ...]) -> list[Invariant]:
    for name in only:
        if not any(one.code.startswith(name) for one in known):
            raise NotFoundError("doctor.unknown", f"No invariant is called {name!r}.")
    return [one for one in known if not only or one.code.startswith(only)]


def _table_names() -> set[str]:
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
