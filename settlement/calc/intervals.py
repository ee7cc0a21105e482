"""The price of every interval, for the charges that price intervals; proved against the line.

A time-of-use or fixed charge prices the printed quantity of its parts, so its column says to which
part an interval belongs and at which price. An indexed charge prices each interval by itself, so
its column holds exact products that add up to the line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from contracts.calc import energy, escalation
from contracts.calc.energy_share import share_of
from contracts.calc.price_terms import PricedTerm, charge_inputs
from contracts.charges import ChargeInputs, charge_type
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE, from_price, price
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.rounding import display
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow
from settlement.calc.inputs import Inputs
from settlement.calc.pricing import parts_of, pricings

INDEXED = ("index_adder@1", "gas_indexed@1")
PRICED = ("tou_energy@1", "fixed_energy@1", *INDEXED)


@dataclass
class PriceColumn:
    """Prices of one line code: 10^-8 per interval (-2^63 outside), and the part of each interval.

    `divisor` turns the energy unit into the quoted one (1000 for USD/MWh). `is_exact` columns add
    up by interval products, the others by the quantity of each part. `shares` is the part of
    every interval's energy that is priced, in 10^-8; None where all of it is.
    """

    line_code: int
    label: str
    quantity: str
    unit: str
    divisor: int
    is_exact: bool
    prices: np.ndarray
    parts: np.ndarray
    part_names: list[str] = field(default_factory=list)
    shares: np.ndarray | None = None

    def share_at(self, index: int) -> int:
        """Return the priced part of an interval's energy in 10^-8."""
        return PRICE_SCALE if self.shares is None else int(self.shares[index])

    def price_at(self, index: int) -> Decimal | None:
        """Return the price of an interval; None where there is none."""
        scaled = int(self.prices[index])
        return None if scaled == MISSING else from_price(scaled)

    def exact_usd(self, index: int, kwh: Decimal | None) -> Decimal | None:
        """Return price times priced kWh; None where the part is priced as a whole."""
        rate = self.price_at(index)
        if rate is None or kwh is None or not self.is_exact:
            return None
        return rate * kwh / self.divisor

    def is_shared(self, inside: np.ndarray | slice, share: Decimal) -> None:
        """Note which part of the energy of some intervals is priced."""
        if self.shares is None and share != 1:
            self.shares = np.full(self.prices.size, PRICE_SCALE, dtype=np.int64)
        if self.shares is not None:
            self.shares[inside] = price(share)


@dataclass(frozen=True)
class IntervalTable:
    """What the interval file shows: one grid, the quantities on it, and the price columns."""

    grid: Grid
    series: Mapping[str, Series]
    columns: tuple[PriceColumn, ...]


def interval_table(inputs: Inputs, line_code: int | None = None) -> IntervalTable:
    """Return the intervals of a settlement with their prices, of all lines or of one.

    Refused when a recomputed sum of products is not the one of the line.
    """
    delivered = inputs.series["delivered"]
    columns: dict[int, PriceColumn] = {}
    for term, pricing in parts_of(inputs, pricings(inputs)):
        if term.charge_type not in PRICED or line_code not in (None, term.line_code):
            continue
        if not _fits(inputs.series.get(term.quantity_name), delivered):
            continue  # a further quantity of other intervals has no place in this table
        column = columns.setdefault(term.line_code, _empty(term, delivered.grid))
        _fill(column, term, charge_inputs(term, pricing), delivered.grid)
    series = {name: one for name, one in sorted(inputs.series.items()) if _fits(one, delivered)}
    return IntervalTable(delivered.grid, series, tuple(columns[code] for code in sorted(columns)))


def _fits(series: Series | None, delivered: Series) -> bool:
    """Say whether a quantity lies on the intervals of the table, in its unit."""
    return series is not None and (series.grid, series.unit) == (delivered.grid, delivered.unit)


def _empty(term: PricedTerm, grid: Grid) -> PriceColumn:
    parameters = charge_type(term.charge_type).parse(term.parameters)
    unit = energy.PRICE_UNITS[parameters.price_unit]
    return PriceColumn(
        line_code=term.line_code,
        label=term.label,
        quantity=term.quantity_name,
        unit=parameters.price_unit,
        divisor=unit.divisor,
        is_exact=term.charge_type in INDEXED and not getattr(parameters, "on_average", False),
        prices=np.full(grid.count, MISSING, dtype=np.int64),
        parts=np.full(grid.count, -1, dtype=np.int32),
    )


def _fill(column: PriceColumn, term: PricedTerm, inputs: ChargeInputs, grid: Grid) -> None:
    parameters = charge_type(term.charge_type).parse(term.parameters)
    if term.charge_type in INDEXED:
        _fill_index(column, term, inputs, parameters, grid)
        return
    sheet, _ = charge_type(term.charge_type).charge(inputs, parameters, {})
    rows = iter(sheet.rows)
    for part in escalation.segments(inputs, parameters):
        start = inputs.period.day_bounds(part.first_day)[0]
        cut = inputs.quantity().slice(start, inputs.period.day_bounds(part.last_day)[1])
        at = (cut.grid.start_minute - grid.start_minute) // grid.minutes
        for chosen in _groups(term, inputs, parameters, cut):
            row = next(rows)
            inside = at + np.flatnonzero(chosen)
            column.is_shared(inside, share_of(parameters))
            column.part_names.append(row.label)
            column.parts[inside] = len(column.part_names) - 1
            if row.rate.value is not None:
                column.prices[inside] = price(row.rate.value)


def _groups(term: PricedTerm, inputs: ChargeInputs, parameters: Any, cut: Series):
    """Yield which intervals each row prices, in the order of the rows."""
    if term.charge_type == "fixed_energy@1":
        yield np.ones(cut.grid.count, dtype=bool)
        return
    calendar = inputs.calendar(parameters.calendar)
    names, index = calendar.schedule.periods(cut.grid, set(calendar.holidays))
    for number in range(len(names)):
        if (index == number).any():
            yield index == number


def _fill_index(
    column: PriceColumn, term: PricedTerm, inputs: ChargeInputs, parameters: Any, grid: Grid
) -> None:
    series, kind = inputs.quantity(), charge_type(term.charge_type)
    sheet, _ = kind.charge(inputs, parameters, {})
    at = (series.grid.start_minute - grid.start_minute) // grid.minutes
    inside = slice(at, at + series.grid.count)
    column.is_shared(inside, share_of(parameters))
    if column.is_exact:
        prices = kind.interval_prices(inputs, parameters)
        _prove(term, sheet.rows, prices, series, inputs, column, share_of(parameters))
        column.prices[inside] = prices
        return
    [row] = sheet.rows  # one price for all, made on the average of the period
    column.part_names.append(row.label)
    column.parts[inside] = len(column.part_names) - 1
    if row.rate.value is not None:
        column.prices[inside] = price(row.rate.value)


def _prove(term, rows, prices, series, inputs, column, share: Decimal) -> None:
    """Compare the products of the column with those of the line."""
    if inputs.rounding_point != "LINE" or series.missing_count or (prices == MISSING).any():
        return
    if not all(isinstance(row, IntervalRow) for row in rows):
        return  # an adder on its own row prices the printed quantity
    products = exact.dot(prices, series.values) * Fraction(share)
    exact_usd = products / (PRICE_SCALE * MICRO * column.divisor)
    of_rows = sum((Fraction(row.exact_scaled, row.scale) for row in rows), Fraction(0))
    if exact_usd != of_rows:
        raise Refused(
            "billing.intervals_differ",
            f"The intervals of line {term.line_code} '{term.label}' add up to "
            f"{display(exact_usd, 8)}, the line says {display(of_rows, 8)}.",
        )
