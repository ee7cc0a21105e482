"""The terms of a contract version and its days, as a run reads and freezes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any

from contracts.calc import reading
from contracts.calc.price_terms import PricedTerm, needs_of
from contracts.charges import Needs
from poweroptix.kernel.period import Period

FIELDS = {"number", "in_force", "anchor_date", "facts", "terms"}
TERM_FIELDS = {one.name for one in fields(PricedTerm)}
TERM_NEEDS = ("line_code", "charge_type", "label")
_TERM_READERS = {
    "position": reading.as_whole,
    "line_code": reading.as_whole,
    "charge_type": reading.as_text,
    "label": reading.as_text,
    "clause": reading.as_text,
    "quantity_name": reading.as_text,
    "parameters": reading.as_object,
}


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


def read_version(path: str, written: Any, period: Period) -> VersionInputs:
    """Return the version that a document describes; the whole period where it names no days.

    Refused with the path of what is missing, unknown or of another shape.
    """
    entry = reading.as_object(path, written, FIELDS)
    reading.required(path, entry, ("terms",), FIELDS)
    days = entry.get("in_force") or (period.first_date, period.last_date)
    if len(reading.as_list(f"{path}.in_force", days)) != 2:
        raise reading.refused(f"{path}.in_force", "is the first and the last local day.")
    first, last = (reading.as_date(f"{path}.in_force", day) for day in days)
    anchor = entry.get("anchor_date")
    return VersionInputs(
        number=reading.as_whole(f"{path}.number", entry.get("number", 1)),
        first_date=first,
        last_date=last,
        anchor_date=None if anchor is None else reading.as_date(f"{path}.anchor_date", anchor),
        facts=reading.as_object(f"{path}.facts", entry.get("facts", {})),
        terms=read_terms(f"{path}.terms", entry["terms"]),
    )


def read_terms(path: str, written: Any) -> tuple[PricedTerm, ...]:
    """Return the terms of a version, in the order in which they are written."""
    entries = enumerate(reading.as_list(path, written))
    return tuple(_read_term(f"{path}[{at}]", one, at + 1) for at, one in entries)


def _read_term(path: str, written: Any, position: int) -> PricedTerm:
    entry = reading.as_object(path, written, TERM_FIELDS)
    reading.required(path, entry, TERM_NEEDS, TERM_FIELDS)
    for name, read in _TERM_READERS.items():
        if name in entry:
            read(f"{path}.{name}", entry[name])
    return PricedTerm(**{"position": position, **entry})
