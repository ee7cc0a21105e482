"""On which days of a month each term is priced when the contract was amended inside it.

A clause that an amendment leaves as it was goes on: it has one test of the month, one peak, one
minimum and one printed line. Only what was changed is priced in parts, each on its own days. A
term that another one rests on ends where that one does, so that nothing is taxed or counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.calc.named_volumes import EXCUSED
from contracts.calc.price_terms import PricedTerm
from contracts.charges import charge_type
from settlement.calc.inputs import Inputs
from settlement.calc.version_inputs import VersionInputs

#: Parameters that name volumes, which may be figures of lower lines.
VOLUMES = ("excused", "deemed", "drawn_before")


@dataclass(frozen=True)
class Stretch:
    """A term and the versions, one after the other, that have it alike; the newest one speaks."""

    terms: tuple[PricedTerm, ...]
    versions: tuple[VersionInputs, ...]

    @property
    def term(self) -> PricedTerm:
        """The term as the newest version has it."""
        return self.terms[-1]

    @property
    def version(self) -> VersionInputs:
        """The newest version."""
        return self.versions[-1]

    @property
    def days(self) -> tuple[date, date]:
        """First and last local day."""
        return self.versions[0].first_date, self.versions[-1].last_date

    def singles(self) -> list[Stretch]:
        """Return a stretch for each version."""
        return [
            Stretch((term,), (version,))
            for term, version in zip(self.terms, self.versions, strict=True)
        ]


def stretches(inputs: Inputs) -> list[Stretch]:
    """Return every term of the period once for each run of days on which it is the same."""
    found: list[Stretch] = []
    for version in inputs.versions:
        before = [one for one in found if one.versions[-1] is not version]
        for term in version.terms:
            same = next((one for one in before if _goes_on(one, term, version)), None)
            if same is None or not inputs.joined:
                found.append(Stretch((term,), (version,)))
                continue
            before.remove(same)
            longer = Stretch((*same.terms, term), (*same.versions, version))
            found[found.index(same)] = longer
    return _as_those_above(found)


def _goes_on(before: Stretch, term: PricedTerm, version: VersionInputs) -> bool:
    """Say whether a term of the next version is the one that a stretch ends with."""
    last = before.versions[-1]
    return (
        (version.first_date - last.last_date).days == 1
        and (last.anchor_date, last.facts) == (version.anchor_date, version.facts)
        and _said(before.term) == _said(term)
    )


def _said(term: PricedTerm) -> tuple[Any, ...]:
    return (
        term.line_code, term.charge_type, term.label, term.quantity_name, dict(term.parameters),
    )  # fmt: skip


def _as_those_above(found: Sequence[Stretch]) -> list[Stretch]:
    """Take stretches apart until none reaches beyond a term that rests on it."""
    held = list(found)
    while True:
        apart = [one for one in held if len(one.versions) > 1 and _is_cut(one, held)]
        if not apart:
            return held
        held = [
            part for one in held for part in (one.singles() if one in apart else [one])
        ]  # fmt: skip


def _is_cut(one: Stretch, others: Iterable[Stretch]) -> bool:
    """Say whether a stretch has to end inside: for what rests on it, or for figures it reads."""
    return any(
        _meet(one, other)
        and not _covers(other, one)
        and (_rests_on(other, one) or _reads(one, other))
        for other in others
    )


def _meet(one: Stretch, other: Stretch) -> bool:
    return one.days[0] <= other.days[1] and other.days[0] <= one.days[1]


def _covers(longer: Stretch, one: Stretch) -> bool:
    return longer.days[0] <= one.days[0] and one.days[1] <= longer.days[1]


def _rests_on(upper: Stretch, lower: Stretch) -> bool:
    code = lower.term.line_code
    if code >= upper.term.line_code:
        return False
    kind = charge_type(upper.term.charge_type)
    return code in kind.reads_lines(kind.parse(upper.term.parameters)) or _reads_figures(upper)


def _reads(upper: Stretch, lower: Stretch) -> bool:
    """Say whether a term may read figures of a lower line, which cannot be added up."""
    return lower.term.line_code < upper.term.line_code and _reads_figures(upper)


def _reads_figures(one: Stretch) -> bool:
    """Say whether a term names volumes that no event and no fact gives."""
    held = one.term.parameters
    named = [name for key in VOLUMES if isinstance(held.get(key), list) for name in held[key]]
    return any(name != EXCUSED and name not in one.version.facts for name in named)
