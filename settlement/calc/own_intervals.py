"""Which intervals a line prices, and to which priced part each belongs.

A line of one time-of-use period owns the intervals of that period alone. Where a line prices all of
their energy, or one part of it (70 % at this price, raised by losses), the priced kWh of the
intervals add up to the quantity of its worksheet. A line on a block or an excess does not price
its intervals one by one; there the settled kWh stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from contracts.calc.energy_share import share_factor, share_of
from contracts.calc.losses import LossParameters, loss_factor
from contracts.calc.losses import said as losses_said
from contracts.calc.words import percent
from contracts.charges import charge_type
from poweroptix.kernel import exact
from poweroptix.kernel.fixed import MICRO, MISSING, exact_sum, from_micro
from poweroptix.kernel.rounding import cumulative
from poweroptix.kernel.series import Series
from settlement.calc.inputs import Inputs
from settlement.calc.intervals import PriceColumn, interval_table

ENERGY = ("kWh", "MWh")
#: More decimals than a share with losses has.
MOST_DECIMALS = 32


@dataclass(frozen=True)
class PricedLine:
    """What is asked of a line: its term, unit, charge type, days, quantity and row labels."""

    term_id: int | None
    line_code: int
    unit: str
    charge_type: str
    first_date: date
    last_date: date
    quantity: Decimal | None
    labels: tuple[str, ...]

    @classmethod
    def of(cls, line: Any) -> PricedLine:
        """Return these of a settled line."""
        labels = tuple(row["label"] for row in line.worksheet["rows"])
        return cls(
            line.term_id, line.line_code, line.unit, line.charge_type, line.first_date,
            line.last_date, line.quantity, labels,
        )  # fmt: skip


@dataclass(frozen=True)
class Priced:
    """The quantity that a line prices, its price column if any, and which intervals are its own.

    `is_sum`: the priced energy of the intervals is the quantity of the line, but for its rounding.
    `factor` is what of every interval's energy is priced; `said` says it in words, empty for all.
    """

    series: Series
    column: PriceColumn | None
    chosen: np.ndarray
    factor: Fraction = Fraction(1)
    is_sum: bool = False
    said: str = ""

    @property
    def total_kwh(self) -> Decimal:
        """The sum of the priced energy of the line's own intervals that have a value."""
        return self.kwh_of(0, self.chosen)

    def kwh_of(self, first: int, chosen: np.ndarray) -> Decimal:
        """Return the priced energy of chosen intervals, the first of which is number `first`."""
        at = first + np.flatnonzero(chosen)
        if self.factor == 1:
            values = self.series.values[at]
            return from_micro(exact.total(values[values != MISSING]))
        return exact_sum([self.energy[one] for one in at.tolist() if one in self.energy])

    def kwh_at(self, at: int) -> Decimal | None:
        """Return the priced energy of an interval by its number; None where it has no value."""
        if self.factor != 1:
            return self.energy.get(at)
        value = int(self.series.values[at])
        return None if value == MISSING else from_micro(value)

    @cached_property
    def energy(self) -> dict[int, Decimal]:
        """The priced energy of the line's own intervals that have a value, by their numbers.

        Exact where the factor is a decimal number; else rounded to 10^-6 by the running sum, so
        that the intervals add up to the rounded whole.
        """
        at = np.flatnonzero(self.chosen & ~self.series.missing).tolist()
        values = [Fraction(int(self.series.values[one]), MICRO) * self.factor for one in at]
        return dict(zip(at, cumulative(values, 6 + _decimals(self.factor)), strict=True))

    @property
    def count(self) -> int:
        """How many intervals are the line's own."""
        return int(self.chosen.sum())

    def cut(self, start: datetime, end: datetime) -> tuple[int, Series, np.ndarray]:
        """Return first index, readings and own intervals of a range."""
        part, first = self.series.slice(start, end), self.series.grid.index_of(start)
        return first, part, self.chosen[first : first + part.grid.count]

    def part_name(self, at: int) -> str:
        """Return the priced part (a time-of-use period) of an interval; empty without any."""
        if self.column is None or int(self.column.parts[at]) < 0:
            return ""
        return self.column.part_names[int(self.column.parts[at])]


def own_intervals(inputs: Inputs, line: PricedLine, quantity_name: str) -> Priced | None:
    """Return what a line prices; None for a line without intervals (a fee, a reserved capacity)."""
    series = inputs.series.get(quantity_name)
    if series is None:
        return None
    if line.unit not in ENERGY and not line.charge_type.startswith("demand"):
        return None
    chosen = _on_days(inputs, line, series)
    columns = interval_table(inputs, line.line_code).columns
    column = columns[0] if columns else None
    names = column.part_names if column else []
    own = [at for at, name in enumerate(names) if name in line.labels]
    if own and len(own) < len(names):
        chosen &= np.isin(column.parts, own)
    return _with_factor(inputs, line, Priced(series, column, chosen))


def _with_factor(inputs: Inputs, line: PricedLine, found: Priced) -> Priced:
    """Note what of every interval is priced, where that adds up to the quantity of the line."""
    term = next(
        (
            one
            for version in inputs.versions
            for one in version.terms
            if (one.term_id, one.line_code) == (line.term_id, line.line_code)
        ),
        None,
    )
    if term is None or line.unit not in ENERGY or found.series.unit != ENERGY[0]:
        return found
    parameters = charge_type(term.charge_type).parse(term.parameters)
    factor = share_factor(parameters) * loss_factor(parameters)
    is_sum = _is_sum(line, Fraction(total(found.series, found.chosen)) * factor, parameters)
    if not is_sum and found.column is None:
        return found
    return replace(
        found, factor=factor, is_sum=is_sum, said=_said(parameters) if factor != 1 else ""
    )


def _is_sum(line: PricedLine, kwh: Fraction, parameters: Any) -> bool:
    """Return whether the priced energy is the line's quantity, but for what its rows rounded."""
    places = getattr(parameters, "quantity_places", None)
    if line.quantity is None or places is None:
        return False
    priced = kwh / (1000 if line.unit == "MWh" else 1)
    return abs(priced - Fraction(line.quantity)) <= Fraction(len(line.labels), 2 * 10**places)


def _said(parameters: Any) -> str:
    """Return what of the settled energy is priced, in words."""
    share = share_of(parameters)
    part = "the settled energy" if share == 1 else f"{percent(share)} of the settled energy"
    return part + (losses_said(parameters) if isinstance(parameters, LossParameters) else "")


def _decimals(factor: Fraction) -> int:
    """Return how many decimals a factor has; 0 where it never ends.

    >>> _decimals(Fraction(7, 10)), _decimals(Fraction(51, 50)), _decimals(Fraction(50, 49))
    (1, 2, 0)
    """
    for places in range(MOST_DECIMALS):
        if 10**places % factor.denominator == 0:
            return places
    return 0


def total(part: Series, chosen: np.ndarray) -> Decimal:
    """Return the exact kWh of the chosen intervals that have a value."""
    return from_micro(exact.total(part.values[chosen & ~part.missing]))


def _on_days(inputs: Inputs, line: PricedLine, series: Series) -> np.ndarray:
    """Return which intervals lie on the days of a line."""
    first = inputs.period.day_bounds(max(line.first_date, inputs.period.first_date))[0]
    last = inputs.period.day_bounds(min(line.last_date, inputs.period.last_date))[1]
    part = series.grid.sub(first, last)
    begin = (part.start_minute - series.grid.start_minute) // series.grid.minutes
    chosen = np.zeros(series.grid.count, dtype=bool)
    chosen[begin : begin + part.count] = True
    return chosen
