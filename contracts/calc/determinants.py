"""What the names of a contract formula stand for: how each is read, in which unit, from where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from contracts.calc.energy import missing_finding
from contracts.calc.facts import fact_figure, finding_of
from contracts.calc.formula_units import unit_of
from contracts.calc.local_days import grid_of_dates, is_by_date, prices_on
from contracts.calc.lower_lines import empty_lines, line_figure, lower_line
from contracts.calc.price_ladder import priced_series
from contracts.charges._base import ChargeInputs
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import EXACT, MICRO, MISSING, PRICE_SCALE, WIDE, from_fixed
from poweroptix.kernel.formula_columns import Column
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from poweroptix.kernel.units import convert, same_kind

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
FUNCTIONS = {"min", "max", "abs", "round", "clip", "x"}
TAKEN = ("SUM", "MAX", "MIN", "AVERAGE", "EACH")


@dataclass(frozen=True, kw_only=True)
class Determinant:
    """A name of the formula: what it stands for, how many intervals become one number, its unit."""

    name: str = param(help="As it stands in the formula: small letters, digits, underscores.")
    kind: str = param(
        choices=("SERIES", "INDEX", "FACT", "LINE", "CONSTANT"),
        help="SERIES: energy of the contract; INDEX: published prices; FACT: a number of the "
        "contract or month; LINE: a line of a lower code; CONSTANT: the value below.",
    )
    of: str = param(default="", help="Name of the series or fact, code of the index or line.")
    take: str = param(
        default="",
        choices=("", *TAKEN),
        help="SERIES and INDEX: SUM, MAX, MIN or AVERAGE over the days billed, or EACH interval.",
    )
    unit: str = param(help="Unit in the formula, for example MWh, kW, USD/MWh, ratio.")
    value: Decimal | None = param(default=None, help="Of a CONSTANT.")

    def __post_init__(self) -> None:
        """Refuse what contradicts the kind."""
        wrong = _contradiction(self)
        if wrong:
            raise Refused("contracts.determinant", f"{self.name}: {wrong}")
        unit_of(self.unit)

    @property
    def is_each(self) -> bool:
        """Whether it has a value of its own in every interval."""
        return self.take == "EACH"


def _contradiction(one: Determinant) -> str:
    """Return what does not fit together in a determinant."""
    if not NAME.fullmatch(one.name) or one.name in FUNCTIONS:
        return "is no name for a formula; use small letters, digits and underscores"
    if one.kind in ("SERIES", "INDEX") and not one.take:
        return f"say how its intervals are taken: {', '.join(TAKEN)}"
    if one.kind not in ("SERIES", "INDEX") and one.take:
        return f"a {one.kind} is one number; leave take empty"
    if one.kind == "INDEX" and one.take == "SUM":
        return "prices are not summed; take AVERAGE, MAX, MIN or EACH"
    if (one.kind == "CONSTANT") != (one.value is not None):
        return "a CONSTANT has a value, and nothing else has"
    if one.kind == "LINE" and not (one.of.isdigit() and one.unit == "USD"):
        return "a LINE is read by its code and is in USD"
    if one.kind in ("SERIES", "INDEX", "FACT") and not one.of.strip():
        return "say of what: the name or code"
    return ""


@dataclass(frozen=True)
class Reading:
    """A determinant as it was read: a figure for one number, a column for every interval.

    `digest` proves the series or prices behind a column.
    """

    figure: Figure
    column: Column | None = None
    digest: str = ""
    findings: tuple[Finding, ...] = ()


def common_grid(inputs: ChargeInputs, determinants: Sequence[Determinant]) -> Grid | None:
    """Return the grid on which a formula by interval is computed: the coarsest of its series.

    None where nothing is taken by interval; prices alone stand on their own grid.
    """
    each = [one for one in determinants if one.is_each]
    if not each:
        return None
    grids = [_series(inputs, one).grid for one in each if one.kind == "SERIES"]
    if not grids:
        each_prices = (priced_series(one.of, inputs.prices) for one in each)
        finest = min(each_prices, key=lambda prices: prices.grid.minutes)
        return _own_grid(inputs, finest)
    return max(grids, key=lambda grid: grid.minutes)


def read(inputs: ChargeInputs, one: Determinant, grid: Grid | None) -> Reading:
    """Return what a name stands for; empty with a blocking finding while it is not known.

    Refused when the run has nothing of that name, or when its unit cannot become the wanted one.
    """
    if one.kind == "CONSTANT":
        source = inputs.term.source(one.of or one.name)
        return Reading(Figure(one.name, one.value, one.unit, source))
    if one.kind == "FACT":
        fact = fact_figure(inputs, one.of, one.unit)
        missing = finding_of(inputs, fact)
        return Reading(replace(fact, name=one.name), findings=(missing,) if missing else ())
    if one.kind == "LINE":
        line = lower_line(inputs, int(one.of))
        figure = replace(line_figure(line), name=one.name)
        return Reading(figure, findings=empty_lines(inputs, [line]))
    if one.kind == "SERIES":
        return _read_series(inputs, one, grid)
    return _read_index(inputs, one, grid)


def _series(inputs: ChargeInputs, one: Determinant) -> Series:
    """Return a series of the run, cut to the days in force."""
    return replace(inputs, term=replace(inputs.term, quantity_name=one.of)).quantity()


def _read_series(inputs: ChargeInputs, one: Determinant, grid: Grid | None) -> Reading:
    series = _series(inputs, one)
    named = replace(inputs, term=replace(inputs.term, quantity_name=one.of))
    gap = missing_finding(named, series)
    source = Source(
        "readings",
        series.digest(),
        f"{one.of}, {series.grid.count} intervals of {series.grid.minutes} minutes",
        {"quantity": one.of, "intervals": series.grid.count},
    )
    if one.is_each and grid is not None:
        series = series.to_minutes(grid.minutes)
    factor = _factor(one, series.unit, series.grid.minutes)
    return _reading(one, series.grid, series.values, MICRO, factor, source, gap)


def _factor(one: Determinant, unit: str, minutes: int) -> Fraction:
    """Return the number that turns readings into the unit of the formula, energy into power too."""
    if one.take != "SUM" and same_kind(unit, "kWh") and same_kind(one.unit, "kW"):
        return Fraction(convert(Decimal(1), "kW", one.unit)) * 60 / minutes
    return Fraction(convert(Decimal(1), unit, one.unit))


def _own_grid(inputs: ChargeInputs, prices: PriceSeries) -> Grid:
    """Return the grid of prices over the days billed; daily ones are kept by local date."""
    if is_by_date(prices):
        return grid_of_dates(inputs.days_in_force())
    return Grid.spanning(*inputs.window(), prices.grid.minutes)


def _read_index(inputs: ChargeInputs, one: Determinant, grid: Grid | None) -> Reading:
    prices = priced_series(one.of, inputs.prices)
    if not one.is_each or grid is None:
        grid = _own_grid(inputs, prices)
    values = prices_on(prices, grid, inputs.zone)
    where = f"{inputs.term.contract} line {inputs.term.line_code}"
    absent = np.flatnonzero(values == MISSING)
    gap = None
    if absent.size:
        first = grid.start_of(int(absent[0]))
        gap = Finding(
            "contracts.price_missing",
            f"no price of {one.of} for {first:%Y-%m-%d %H:%M} UTC and later ({absent.size} "
            "intervals)",
            where=where,
            start_utc=first,
            end_utc=grid.start_of(int(absent[-1]) + 1),
            fix=f"Load the prices of {one.of}.",
        )
    source = Source("index", one.of, f"{one.of}, {prices.vintage}", {"digest": prices.digest()})
    factor = Fraction(convert(Decimal(1), prices.unit, one.unit))
    reading = _reading(one, grid, values, PRICE_SCALE, factor, source, gap)
    if prices.final:
        return reading
    text = f"prices of {one.of} are '{prices.vintage}', not final"
    provisional = Finding("contracts.price_provisional", text, severity=Severity.WARN, where=where)
    return replace(reading, findings=(*reading.findings, provisional))


def _reading(
    one: Determinant,
    grid: Grid,
    values: np.ndarray,
    scale: int,
    factor: Fraction,
    source: Source,
    gap: Finding | None,
) -> Reading:
    """Return values of intervals as the contract takes them: one number, or each."""
    findings = () if gap is None else (gap,)
    digest = str(source.data.get("digest", source.ref))
    if one.is_each:
        note = f"by interval of {grid.minutes} minutes"
        figure = Figure(one.name, None, one.unit, source, note=note)
        if gap is not None:
            return Reading(figure, None, digest, findings)
        over = scale * factor.denominator
        return Reading(figure, Column(_times(values, factor.numerator), over), digest)
    if gap is not None:
        return Reading(Figure(one.name, None, one.unit, source, note="a value is missing"),
                       None, digest, findings)  # fmt: skip
    number, note = _taken(one.take, grid, values, scale)
    number = WIDE.divide(
        EXACT.multiply(number, Decimal(factor.numerator)), Decimal(factor.denominator)
    )
    return Reading(Figure(one.name, number, one.unit, source, note=note), None, digest)


def _times(values: np.ndarray, factor: int) -> np.ndarray:
    """Return values x factor; in Python's integers where 64 bits might not hold them."""
    return values if factor == 1 else values.astype(object) * factor


def _taken(take: str, grid: Grid, values: np.ndarray, scale: int) -> tuple[Decimal, str]:
    """Return the number that intervals become, and how, in words."""
    if take in ("MAX", "MIN"):
        at = int(values.argmax() if take == "MAX" else values.argmin())
        word = "highest" if take == "MAX" else "lowest"
        start = grid.start_of(at)
        number = from_fixed(int(values[at]), scale)
        return number, f"the {word}, of the interval that begins {start:%Y-%m-%d %H:%M} UTC"
    whole = EXACT.divide(Decimal(exact.total(values)), Decimal(scale))
    if take == "SUM":
        return whole, f"sum of {grid.count} intervals"
    return WIDE.divide(whole, Decimal(grid.count)), f"average of {grid.count} intervals"
