"""Which intervals a line prices, and to which priced part each belongs.

A line of one time-of-use period owns the intervals of that period alone; their kWh add up to the
quantity of its worksheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel import exact
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.series import Series
from settlement.calc.inputs import Inputs
from settlement.calc.intervals import PriceColumn, interval_table

ENERGY = ("kWh", "MWh")


@dataclass(frozen=True)
class PricedLine:
    """What is asked of a line: its code, unit, charge type, days and the labels of its rows."""

    line_code: int
    unit: str
    charge_type: str
    first_date: date
    last_date: date
    labels: frozenset[str]

    @classmethod
    def of(cls, line: Any) -> PricedLine:
        """Return these of a settled line."""
        labels = frozenset(row["label"] for row in line.worksheet["rows"])
        return cls(
            line.line_code, line.unit, line.charge_type, line.first_date, line.last_date, labels
        )


@dataclass(frozen=True)
class Priced:
    """The quantity that a line prices, its price column if any, and which intervals are its own."""

    series: Series
    column: PriceColumn | None
    chosen: np.ndarray

    @property
    def total_kwh(self) -> Decimal:
        """The exact sum of the line's own intervals that have a value."""
        return total(self.series, self.chosen)

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
    if not columns:
        return Priced(series, None, chosen)
    column = columns[0]
    own = [at for at, name in enumerate(column.part_names) if name in line.labels]
    if own and len(own) < len(column.part_names):
        chosen &= np.isin(column.parts, own)
    return Priced(series, column, chosen)


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
