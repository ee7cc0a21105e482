"""Rows that price energy: one rate on a printed quantity, or money made per interval."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from contracts.calc.energy_share import share_factor, share_figure
from contracts.calc.losses import loss_factor, loss_figure, loss_formula
from contracts.charges._base import ChargeInputs
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE, from_micro, price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, display, money
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row


@dataclass(frozen=True)
class PriceUnit:
    """A quoted unit: what the series must be in, and how many of it make one quoted unit."""

    series_unit: str
    quoted_unit: str
    divisor: int


PRICE_UNITS = {
    "USD/MWh": PriceUnit("kWh", "MWh", 1000),
    "USD/kWh": PriceUnit("kWh", "kWh", 1),
    "USD/MMBtu": PriceUnit("MMBtu", "MMBtu", 1),
}


@dataclass(frozen=True, kw_only=True)
class QuantityParameters:
    """The part of an energy clause that says in what the quantity is printed and priced."""

    price_unit: str = param(
        default="USD/MWh", choices=tuple(PRICE_UNITS), help="Unit in which the price is quoted."
    )
    quantity_places: int = param(
        default=3, minimum=0, maximum=6, help="Decimals of the printed quantity that is priced."
    )
    line_per: str = param(
        default="ROW",
        choices=("ROW", "CHARGE"),
        help="ROW rounds every row to cents and prints it; CHARGE rounds the sum once.",
    )


def missing_finding(
    inputs: ChargeInputs,
    series: Series,
    code: str = "contracts.quantity_missing",
    *,
    name: str = "",
) -> Finding | None:
    """Return a blocking finding when intervals have no reading: how many, and the first one."""
    absent = np.flatnonzero(series.missing)
    if absent.size == 0:
        return None
    name = name or inputs.term.quantity_name
    first = series.grid.start_of(int(absent[0]))
    return Finding(
        code,
        f"'{name}' has no value in {absent.size} intervals, the first begins "
        f"{first:%Y-%m-%d %H:%M} UTC",
        where=f"{inputs.term.contract} line {inputs.term.line_code}",
        start_utc=first,
        end_utc=series.grid.start_of(int(absent[-1]) + 1),
        fix="Estimate or enter the readings, then calculate again.",
    )


def quantity_figures(
    inputs: ChargeInputs,
    series: Series,
    chosen: np.ndarray | None,
    terms: QuantityParameters,
    name: str = "",
) -> Figure:
    """Return the printed quantity of the chosen intervals; empty when one is missing.

    `name` says what the series is when it is not the term's quantity as it stands. Refused when
    the series is not in the unit that the price needs.
    """
    said = name or inputs.term.quantity_name
    unit = PRICE_UNITS[terms.price_unit]
    if series.unit != unit.series_unit:
        raise Refused(
            "contracts.unit_mismatch",
            f"{inputs.term.label}: a price in {terms.price_unit} needs {unit.series_unit}, "
            f"'{said}' is in {series.unit}",
        )
    values = series.values if chosen is None else series.values[chosen]
    source = Source(
        "readings",
        series.digest(),
        f"{said}, {values.size} intervals of {series.grid.minutes} minutes",
        {"quantity": said, "intervals": int(values.size)},
    )
    name = f"energy_{unit.series_unit.lower()}"
    total = None if (values == MISSING).any() else from_micro(exact.total(values))
    raw = Figure(name, total, unit.series_unit, source)
    quoted = f"quantity_{unit.quoted_unit.lower()}"
    if total is None:
        return Figure(quoted, None, unit.quoted_unit, source, note="a reading is missing")
    formula, inputs_of = name, (raw,)
    if share_factor(terms) != 1:
        share = share_figure(inputs, terms)
        formula, inputs_of = f"{share.name} * {name}", (share, raw)
    if loss_factor(terms) != 1:
        formula, inputs_of = loss_formula(terms, formula), (*inputs_of, loss_figure(inputs, terms))
    if unit.divisor != 1:
        formula = f"{formula} / {unit.divisor}"
    places = (terms.quantity_places, Mode.HALF_UP)
    return Figure.computed(quoted, unit.quoted_unit, formula, *inputs_of, round_to=places)


def energy_row(
    label: str,
    inputs: ChargeInputs,
    series: Series,
    chosen: np.ndarray | None,
    rate: Figure,
    terms: QuantityParameters,
) -> Row | IntervalRow:
    """One price on the chosen intervals, with cents made where the contract says."""
    quantity = quantity_figures(inputs, series, chosen, terms)
    if inputs.rounding_point == "LINE" or quantity.value is None or rate.value is None:
        return Row(label, quantity, rate)
    values = series.values if chosen is None else series.values[chosen]
    prices = np.full(values.size, price(rate.value), dtype=np.int64)
    groups = money_groups(inputs, series, chosen)
    unit = PRICE_UNITS[terms.price_unit]
    factor = share_factor(terms) * loss_factor(terms)
    cents = cents_by_group(prices, values, groups, inputs, unit, factor)
    digests = {"quantity": series.digest()}
    return IntervalRow(label, quantity, rate, cents, 100, series.grid.to_json(), digests)


def money_groups(inputs: ChargeInputs, series: Series, chosen: np.ndarray | None) -> np.ndarray:
    """Which intervals make cents together: each by itself, or those of one local day."""
    if inputs.rounding_point == "INTERVAL":
        groups = np.arange(series.values.size)
    else:
        starts = [
            series.grid.index_of(max(inputs.period.day_bounds(day)[0], series.grid.start_utc))
            for day in inputs.days_in_force()
            if inputs.period.day_bounds(day)[1] > series.grid.start_utc
            and inputs.period.day_bounds(day)[0] < series.grid.end_utc
        ]
        groups = np.searchsorted(np.array(starts), np.arange(series.values.size), side="right")
    return groups if chosen is None else groups[chosen]


def cents_by_group(
    prices: np.ndarray,
    values: np.ndarray,
    groups: np.ndarray,
    inputs: ChargeInputs,
    unit: PriceUnit,
    factor: Fraction = Fraction(1),
) -> int:
    """Sum of the cents of every group: exact products summed, rounded once per group.

    `factor` is what a share of the energy and losses multiply every quantity by.
    """
    scale = factor / (PRICE_SCALE * MICRO * unit.divisor)
    edges = np.flatnonzero(np.diff(groups)) + 1
    total = Decimal(0)
    for part_prices, part_values in zip(
        np.split(prices, edges), np.split(values, edges), strict=True
    ):
        total += money(exact.dot(part_prices, part_values) * scale, inputs.rounding)
    return int(total * 100)


def average_rate(
    exact_scaled: int, scale: int, quantity: Figure, unit: str, source: Source
) -> Figure:
    """Load-weighted average price for display; it is printed, never multiplied."""
    if not quantity.value:
        return Figure("average_rate", Decimal(0), unit, source, note="no quantity")
    average = display(Decimal(exact_scaled) / scale / quantity.value, 6)
    return Figure("average_rate", average, unit, source, note="load-weighted, for display")


def name_of(text: str) -> str:
    """Return a word usable in a formula: "On-peak" becomes on_peak."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "period"
