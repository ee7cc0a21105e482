"""The terms of a contract version and its days, as a run reads and freezes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from contracts.calc.price_terms import PricedTerm, needs_of
from contracts.charges import Needs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period

FIELDS = {"number", "in_force", "anchor_date", "facts", "terms"}


@dataclass(frozen=True)
class VersionInputs:
    """The terms of one contract version and the local days of the period on which it holds."""

    number: int
    first_date: date
    last_date: date
    anchor_date: date | None
    facts: Mapping[str, str]
    terms: tuple[PricedTerm, ...]

    @cached_property
    def needs(self) -> Needs:
        """All that the terms read by name."""
        return needs_of(self.terms)


def needs_of_versions(versions: Sequence[VersionInputs]) -> Needs:
    """Return all that the terms of every version read by name."""
    if len(versions) == 1:
        return versions[0].needs
    return needs_of(term for one in versions for term in one.terms)


def version_document(version: VersionInputs) -> dict[str, Any]:
    """Write a version into the document of a run."""
    return {
        "number": version.number,
        "in_force": [version.first_date, version.last_date],
        "anchor_date": version.anchor_date,
        "facts": dict(version.facts),
        "terms": [
            {
                "position": term.position,
                "line_code": term.line_code,
                "charge_type": term.charge_type,
                "label": term.label,
                "clause": term.clause,
                "quantity_name": term.quantity_name,
                "parameters": dict(term.parameters),
                "term_id": term.term_id,
            }
            for term in version.terms
        ],
    }


def read_version(entry: Mapping[str, Any], period: Period) -> VersionInputs:
    """Return the version that a document describes; the whole period where it names no days."""
    check_fields(entry, FIELDS, "a version")
    first, last = entry.get("in_force") or (period.first_date, period.last_date)
    anchor = entry.get("anchor_date")
    return VersionInputs(
        number=int(entry.get("number", 1)),
        first_date=_day(first),
        last_date=_day(last),
        anchor_date=None if anchor is None else _day(anchor),
        facts=entry.get("facts", {}),
        terms=tuple(
            PricedTerm(**{"position": at, **term}) for at, term in enumerate(entry["terms"], 1)
        ),
    )


def check_fields(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    """Refuse an entry of a document with a field that is not known."""
    unknown = sorted(set(entry) - known)
    if unknown:
        text = f"There is no field {unknown[0]!r} in {where}; known: {', '.join(sorted(known))}."
        raise Refused("settlement.document", text)


def _day(value: str | date) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
