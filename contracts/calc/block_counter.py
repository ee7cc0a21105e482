"""How much of the blocks was used before: nothing in a month, the year to date in a year.

The carry names the first day of the block year, so that a month that was left out, or an opening
balance of another year, is never taken for this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.calc.contract_year import contract_year, first_day_of_year
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal


@dataclass(frozen=True)
class BlockYear:
    """When the year of the blocks begins: on the contract's anchor, or on a day of its own."""

    anchor: date
    rule: str

    def first_day(self, day: date) -> date:
        """Return the first day of the block year that holds a day."""
        number = contract_year(self.anchor, day, self.rule)
        return first_day_of_year(self.anchor, number, self.rule)


def block_year(inputs: ChargeInputs, resets_on: date | None, rule: str) -> BlockYear:
    """Return the block year of a term. Refused without a day on which it begins."""
    if resets_on is not None:
        return BlockYear(resets_on, "ANNIVERSARY")
    if inputs.anchor_date is None:
        text = f"{inputs.term.label}: blocks of a year need the first day of contract year 1"
        raise Refused("contracts.no_anchor", text)
    return BlockYear(inputs.anchor_date, rule)


class BlockCounter:
    """Quantity counted so far, by name of the counter ("ALL", or a time-of-use period)."""

    def __init__(self, inputs: ChargeInputs, carry: Mapping[str, Any], unit: str) -> None:
        self.inputs, self.unit = inputs, unit
        self._entry = counted_of(carry)
        self._year: date | None = None
        self._counted: dict[str, Decimal | None] = {}
        self.findings: list[Finding] = []

    def turn_to(self, first_day: date) -> None:
        """Begin to count in the block year of that first day; the same year goes on."""
        if first_day == self._year:
            return
        self._year, self._counted = first_day, {}
        entry_day, quantities = self._entry
        begins_here = first_day >= self.inputs.days_in_force()[0]
        contract_begins = (self.inputs.anchor_date or date.min) >= self.inputs.period.first_date
        if entry_day == first_day:
            self._counted = dict(quantities)
        elif not begins_here and not contract_begins:
            self._counted = {"": None}
            self.findings.append(self._unknown(first_day))

    def before(self, name: str) -> Figure:
        """Return what was counted in the year before; empty when nobody knows it."""
        source = Source("carry", f"{self._year}", f"counted since {self._year}")
        if "" in self._counted:
            return Figure("counted_before", None, self.unit, source, note="not known")
        return Figure("counted_before", self._counted.get(name, Decimal(0)), self.unit, source)

    def add(self, name: str, quantity: Decimal | None) -> None:
        """Count a quantity; an unknown one leaves the year unknown."""
        if quantity is None or "" in self._counted:
            self._counted = {"": None}
        else:
            self._counted[name] = self._counted.get(name, Decimal(0)) + quantity

    def carry_out(self) -> dict[str, Any]:
        """Return what the next month has to know."""
        if self._year is None or "" in self._counted:
            return {}
        quantities = {name: f"{value:f}" for name, value in sorted(self._counted.items())}
        return {"counted": {"year_from": self._year.isoformat(), "quantities": quantities}}

    def _unknown(self, first_day: date) -> Finding:
        return Finding(
            "contracts.counted_unknown",
            f"the blocks count since {first_day}, but what was counted before "
            f"{self.inputs.period.label} is not known",
            where=f"{self.inputs.term.contract} line {self.inputs.term.line_code}",
            fix="Settle the months before, or enter what they counted in an opening balance.",
        )


def counted_of(carry: Mapping[str, Any]) -> tuple[date | None, dict[str, Decimal]]:
    """Return block year and quantities of a carry; Refused when they cannot be read.

    >>> counted_of({"counted": {"year_from": "2026-07-01", "quantities": {"ALL": "81500"}}})
    (datetime.date(2026, 7, 1), {'ALL': Decimal('81500')})
    """
    entry = carry.get("counted")
    if entry is None:
        return None, {}
    try:
        first_day = date.fromisoformat(entry["year_from"])
        quantities = {name: _quantity(text) for name, text in entry["quantities"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f'counted: {entry!r} is not {{"year_from": "2026-07-01", "quantities": {{...}}}}'
        raise Refused("contracts.carry", text) from error
    return first_day, quantities


def _quantity(text: Any) -> Decimal:
    value = plain_decimal(text, digits=WRITTEN_DIGITS)
    if value is None or value < 0:
        raise ValueError(text)
    return value
