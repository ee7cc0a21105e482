"""Past months settled again under proposed terms, line by line beside what was billed. Pure.

The quantities, prices and calendars are those that the approved run froze; only the terms differ.
What the new terms read besides is handed in by the caller. Corrections of earlier periods
(lines 70) are on neither side: they belong to other months.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.calc.contract_year import anniversary
from contracts.calc.price_terms import PricedTerm, absent, needs_of
from contracts.charges import charge_type
from poweroptix.kernel.errors import DomainError
from settlement.calc.inputs import Inputs
from settlement.calc.pricing import pricings
from settlement.calc.settle import Outcome, settle
from settlement.calc.version_inputs import VersionInputs
from settlement.calc.words import shared_label

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Proposed:
    """The terms of a version as a desk-check prices them, whatever days the version names."""

    number: int
    anchor_date: Any
    facts: Mapping[str, str]
    terms: tuple[PricedTerm, ...]


@dataclass(frozen=True)
class BilledLine:
    """What a run billed for a line code: the sum of its printed lines."""

    line_code: int
    label: str
    quantity: Decimal | None
    unit: str
    amount_usd: Decimal | None


@dataclass(frozen=True)
class CheckedLine:
    """One line code of a month under both."""

    line_code: int
    label: str
    billed: BilledLine | None
    proposed: BilledLine | None

    @property
    def difference_usd(self) -> Decimal | None:
        """Return proposed less billed; a side that is not there is nothing; None when unknown."""
        amounts = [ZERO if one is None else one.amount_usd for one in (self.proposed, self.billed)]
        return None if None in amounts else amounts[0] - amounts[1]


@dataclass(frozen=True)
class CheckedMonth:
    """One month under both; `error` says why proposed terms could not price it or lines of it."""

    period: str
    run: int | None
    lines: tuple[CheckedLine, ...]
    error: str = ""

    @property
    def billed_usd(self) -> Decimal | None:
        """Return what was billed in the month."""
        return total(one.billed for one in self.lines)

    @property
    def proposed_usd(self) -> Decimal | None:
        """Return what the lines that could be priced give; None when none of them could."""
        sides = [one.proposed for one in self.lines if one.proposed is not None]
        priced = [one for one in sides if one.amount_usd is not None]
        return None if sides and not priced else total(priced)


def total(lines) -> Decimal | None:
    """Return the sum of lines that are there; None as soon as one has no amount."""
    amounts = [one.amount_usd for one in lines if one is not None]
    return None if None in amounts else sum(amounts, ZERO)


def as_if_begun(proposed: Proposed, first_day: date) -> Proposed:
    """Return terms whose contract year 1 has begun by a day, moved back by whole years if not.

    A proposed version often begins after the months that it is held against.

    >>> late = Proposed(2, date(2026, 10, 1), {}, ())
    >>> as_if_begun(late, date(2025, 11, 1)).anchor_date
    datetime.date(2025, 10, 1)
    """
    anchor = proposed.anchor_date
    if anchor is None or anchor <= first_day:
        return proposed
    year = first_day.year
    if anniversary(anchor, year) > first_day:
        year -= 1
    return replace(proposed, anchor_date=anniversary(anchor, year))


def under(
    inputs: Inputs, proposed: Proposed, carry: Mapping[str, Mapping[str, Any]] | None = None
) -> Inputs:
    """Return the frozen inputs with the proposed terms on the same days.

    `carry` is what the month before gave under the proposed terms; without it the frozen one.
    """
    version = VersionInputs(
        number=proposed.number,
        first_date=inputs.versions[0].first_date,
        last_date=inputs.versions[-1].last_date,
        anchor_date=proposed.anchor_date,
        facts=proposed.facts,
        terms=proposed.terms,
    )
    carried = inputs.carry_in if carry is None else carry
    return replace(inputs, versions=(version,), carry_in=carried, adjustments=())


def not_priced(period: str, run: int, billed: Sequence[BilledLine], reason: str) -> CheckedMonth:
    """Return a month that the terms cannot price, with what was billed and why."""
    lines = tuple(
        CheckedLine(one.line_code, one.label, one, unknown(one.line_code, one.label, one.unit))
        for one in billed
    )
    return CheckedMonth(period, run, lines, reason)


def unknown(line_code: int, label: str, unit: str = "") -> BilledLine:
    """Return a line without an amount."""
    return BilledLine(line_code, label, None, unit, None)


def check_month(
    period: str, run: int, inputs: Inputs, billed: Sequence[BilledLine]
) -> tuple[CheckedMonth, Mapping[str, Mapping[str, Any]]]:
    """Return a month under both, and the carry for the next.

    A line that reads what is not there, or that refuses the month, has no amount, and neither has
    one that rests on it; the reasons stand with the month, and all other lines are priced. A
    refusal of the whole month is the error of all lines.
    """
    reasons: list[str] = []
    empty: list[BilledLine] = []
    why = _lacking(inputs)
    while True:
        why = _with_resting(inputs, why)
        reasons += why.values()
        left_out = [one for one in _terms(inputs) if one.line_code in why]
        empty += [unknown(one.line_code, one.label) for one in left_out]
        inputs = _without(inputs, left_out)
        if not _terms(inputs):
            return not_priced(period, run, billed, "; ".join(reasons)), inputs.carry_in
        try:
            outcome = settle(inputs)
            break
        except DomainError as fault:
            code = fault.data.get("line_code")
            if code not in {one.line_code for one in _terms(inputs)}:
                return not_priced(period, run, billed, fault.message), inputs.carry_in
            why = {code: fault.message}
    priced = [
        BilledLine(one.line_code, one.label, one.quantity, one.unit, one.amount_usd)
        for one in outcome.lines
    ]
    lines = beside(billed, by_code([*priced, *empty]))
    said = "; ".join([*reasons, *_open(outcome)])
    return CheckedMonth(period, run, lines, said), outcome.carry_out


def _terms(inputs: Inputs) -> list[PricedTerm]:
    return [one for version in inputs.versions for one in version.terms]


def _lacking(inputs: Inputs) -> dict[int, str]:
    """Return by line code what a term reads and the month does not have, in words."""
    found: dict[int, str] = {}
    for version, given in zip(inputs.versions, pricings(inputs), strict=True):
        for term in version.terms:
            findings = absent(needs_of([term]), given)
            if findings:
                text = ", ".join(one.message for one in findings)
                found[term.line_code] = f"line {term.line_code} '{term.label}': {text}"
    return found


def _with_resting(inputs: Inputs, why: Mapping[int, str]) -> dict[int, str]:
    """Return the lines that are left out with those that rest on them, and why each is."""
    found = dict(why)
    for term in sorted(_terms(inputs), key=lambda one: one.line_code):
        below = charge_type(term.charge_type).reads_lines(term.parsed)
        missing = [code for code in sorted(below) if code in found]
        if missing and term.line_code not in found:
            text = f"it rests on line {missing[0]}, which has no amount"
            found[term.line_code] = f"line {term.line_code} '{term.label}': {text}"
    return found


def _open(outcome: Outcome) -> list[str]:
    """Return why priced lines have no amount, once for each line code."""
    found: dict[int, str] = {}
    for one in outcome.lines:
        if one.amount_usd is None:
            missing = next(iter(one.worksheet.findings), None)
            text = "an input is missing" if missing is None else missing.message
            found.setdefault(one.line_code, f"line {one.line_code} '{one.label}': {text}")
    return [*found.values()]


def _without(inputs: Inputs, terms: Sequence[PricedTerm]) -> Inputs:
    versions = tuple(
        replace(version, terms=tuple(one for one in version.terms if one not in terms))
        for version in inputs.versions
    )
    return replace(inputs, versions=versions)


def by_code(lines) -> list[BilledLine]:
    """Return one entry per line code; quantities are added where they are of one unit.

    >>> rows = [BilledLine(10, "Energy, ON", Decimal(2), "kWh", Decimal("1.00")),
    ...         BilledLine(10, "Energy, OFF", Decimal(1), "kWh", Decimal("0.50"))]
    >>> [(one.label, str(one.amount_usd), one.quantity) for one in by_code(rows)]
    [('Energy', '1.50', Decimal('3'))]
    """
    groups: dict[int, list[BilledLine]] = {}
    for one in lines:
        groups.setdefault(one.line_code, []).append(one)
    return [_joined(groups[code]) for code in sorted(groups)]


def _joined(group: Sequence[BilledLine]) -> BilledLine:
    if len(group) == 1:
        return group[0]
    label = shared_label(one.label for one in group)
    quantities, units = [one.quantity for one in group], {one.unit for one in group}
    alike = None not in quantities and len(units) == 1
    quantity = sum(quantities, Decimal(0)) if alike else None
    return BilledLine(group[0].line_code, label, quantity, group[0].unit, total(group))


def beside(billed: Sequence[BilledLine], proposed: Sequence[BilledLine]) -> tuple[CheckedLine, ...]:
    """Return both lists side by side, by line code."""
    old = {one.line_code: one for one in billed}
    new = {one.line_code: one for one in proposed}
    return tuple(
        CheckedLine(code, (new.get(code) or old[code]).label, old.get(code), new.get(code))
        for code in sorted(old.keys() | new.keys())
    )


def to_json(month: CheckedMonth) -> dict[str, Any]:
    """Return a month as it is stored; numbers are text."""
    return {
        "period": month.period,
        "run": month.run,
        "error": month.error,
        "billed_usd": _text(month.billed_usd),
        "proposed_usd": _text(month.proposed_usd),
        "lines": [
            {
                "line_code": one.line_code,
                "label": one.label,
                "unit": (one.proposed or one.billed).unit,
                "billed_quantity": _text(one.billed.quantity if one.billed else None),
                "proposed_quantity": _text(one.proposed.quantity if one.proposed else None),
                "billed_usd": _text(one.billed.amount_usd if one.billed else None),
                "proposed_usd": _text(one.proposed.amount_usd if one.proposed else None),
                "difference_usd": _text(one.difference_usd),
            }
            for one in month.lines
        ],
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")
