"""From a published index to the price of every interval: the shared part of indexed clauses.

The order is fixed: newest version of the prices, ladder for those missing, the length of the
readings, basis; then each clause applies its own multiplier, adder, collar or strike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from contracts.calc import energy, price_ladder, words
from contracts.calc.energy_share import share_factor
from contracts.calc.local_days import prices_on
from contracts.calc.price_ladder import Filled, LadderParameters, quoted_in
from contracts.calc.price_versions import RevisionParameters
from contracts.charges._base import ChargeInputs, Needs
from poweroptix.kernel import exact
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE, from_price, price
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import price as round_price
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row


@dataclass(frozen=True, kw_only=True)
class IndexParameters(RevisionParameters, LadderParameters):
    """The part of a clause that names the index, the basis to another point, and the ladder."""

    index: str = param(help="Code of the index series.")
    basis_index: str = param(
        default="", help="Code of the series at the other point, when hub and node are mixed."
    )
    basis_share_ratio: Decimal | None = param(
        default=None,
        unit="ratio",
        minimum=Decimal(-1),
        maximum=Decimal(1),
        help="Part of (index - other point) that is taken off: 0 leaves the index, 1 gives the "
        "other point.",
    )

    finer_prices: str = param(
        default="REFUSE",
        choices=("REFUSE", "AVERAGE"),
        help="Prices of shorter intervals than the readings are refused, or AVERAGE: the simple "
        "mean of those within an interval prices it.",
    )

    def __post_init__(self) -> None:
        """Refuse half a basis."""
        if bool(self.basis_index) != (self.basis_share_ratio is not None):
            text = "basis_index and basis_share_ratio stand together or not at all"
            raise Refused("contracts.basis", text)

    def codes(self) -> tuple[str, ...]:
        """Codes of all series that the clause reads."""
        found = [self.named(self.index), *self.helpers(), self.named(self.basis_index)]
        return tuple(dict.fromkeys(filter(None, found)))


def needs(parameters: IndexParameters, days_before: int = 0) -> Needs:
    """Return the series that a clause reads and which of their gaps it answers for."""
    index = parameters.named(parameters.index)
    known = (index, parameters.named(parameters.basis_index))
    return Needs(
        prices=parameters.codes(),
        helped=(index,) if parameters.ladder else (),
        standby=tuple(code for code in parameters.helpers() if code not in known),
        days_before={index: max(days_before, parameters.days_before())},
    )


@dataclass(frozen=True)
class Reference:
    """The index on the readings' grid, in 10^-8: after ladder, length and basis.

    `source` is the index as published, `runs` the hours that a rung priced, `digest` that of all
    prices that were used.
    """

    source: PriceSeries
    filled: Filled
    prices: np.ndarray
    runs: list[dict]
    digest: str


def reference(
    inputs: ChargeInputs, parameters: IndexParameters, grid: Grid, unit: str
) -> Reference:
    """Return the index of a clause on a grid; Refused when a series cannot price it."""
    finer = parameters.finer_prices == "AVERAGE"
    source = usable(parameters.named(parameters.index), inputs, unit, grid, finer)
    filled = price_ladder.climb(
        parameters.index, source, parameters, inputs.prices, inputs.period.zone
    )
    prices, digest = mapped(filled.prices, grid, inputs.zone), filled.prices.digest()
    if parameters.basis_index:
        node = usable(parameters.named(parameters.basis_index), inputs, unit, grid, finer)
        prices = mixed(
            prices, mapped(node, grid, inputs.zone), parameters.basis_share_ratio or Decimal(0)
        )
        digest = digest_of([digest, node.digest()])
    runs = price_ladder.spans(filled, grid.start_utc, grid.end_utc)
    return Reference(source, filled, prices, runs, digest)


def usable(
    code: str, inputs: ChargeInputs, unit: str, grid: Grid, finer: bool = False
) -> PriceSeries:
    """Return a series in the unit of the term, no finer than the readings; else Refused.

    `finer` allows prices of shorter intervals, as long as readings are whole numbers of them.
    """
    source = quoted_in(unit, code, inputs.prices)
    averaged = finer and grid.minutes % source.grid.minutes == 0
    if source.grid.minutes % grid.minutes and not averaged:
        raise Refused(
            "contracts.index_minutes",
            f"prices of {code} every {source.grid.minutes} minutes cannot price "
            f"readings of {grid.minutes} minutes; the prices must be as long as the "
            "readings or a multiple",
        )
    return source


def mapped(prices: PriceSeries, grid: Grid, zone: str) -> np.ndarray:
    """Return the price of every interval of a grid in 10^-8: repeated, or the mean of finer ones.

    A mean is rounded half-up to 8 decimals; it is missing where one of its prices is.
    """
    if prices.grid.minutes % grid.minutes == 0:
        return prices_on(prices, grid, zone)
    fine = Grid(
        grid.start_utc, prices.grid.minutes, grid.count * grid.minutes // prices.grid.minutes
    )
    parts = prices.onto(fine).reshape(grid.count, -1).tolist()
    means = [MISSING if MISSING in part else price_ladder.mean(part) for part in parts]
    return np.array(means, dtype=np.int64)


def mixed(index: np.ndarray, node: np.ndarray, share: Decimal) -> np.ndarray:
    """Return index - share x (index - node) in 10^-8, half-up; missing where either is.

    >>> mixed(np.array([300]), np.array([100]), Decimal("0.25")).tolist()
    [250]
    """
    pairs, where = np.unique(np.stack([index, node]), axis=1, return_inverse=True)
    values = [
        MISSING
        if MISSING in (at_index, at_node)
        else price(round_price(from_price(at_index) - share * from_price(at_index - at_node)))
        for at_index, at_node in pairs.T.tolist()
    ]
    return np.array(values, dtype=np.int64)[where.reshape(-1)]


def each(prices: np.ndarray, rule: Callable[[Decimal], Decimal]) -> np.ndarray:
    """Return a rule applied to every price, each distinct price once; missing stays missing."""
    distinct, where = np.unique(prices, return_inverse=True)
    values = [
        MISSING if value == MISSING else price(rule(from_price(value)))
        for value in distinct.tolist()
    ]
    return np.array(values, dtype=np.int64)[where]


def findings(
    inputs: ChargeInputs, parameters: IndexParameters, found: Reference, grid: Grid
) -> list[Finding]:
    """Missing prices block; substitutes and prices that are not final warn."""
    where = place(inputs)
    result = []
    if parameters.basis_index:
        node = inputs.prices[parameters.named(parameters.basis_index)]
        result += missing(parameters.basis_index, mapped(node, grid, inputs.zone), grid, where)
        result += not_final(parameters.basis_index, node, where)
    result += missing(parameters.index, mapped(found.filled.prices, grid, inputs.zone), grid, where)
    substituted = price_ladder.finding(parameters.index, found.runs, where)
    result += [substituted] if substituted else []
    return result + not_final(parameters.index, found.source, where)


def place(inputs: ChargeInputs) -> str:
    """Return the name of the term in findings."""
    return f"{inputs.term.contract} line {inputs.term.line_code}"


def missing(code: str, prices: np.ndarray, grid: Grid, where: str) -> list[Finding]:
    """Return the blocking finding of intervals without a price."""
    absent = np.flatnonzero(prices == MISSING)
    if not absent.size:
        return []
    first = grid.start_of(int(absent[0]))
    return [
        Finding(
            "contracts.price_missing",
            f"no price of {code} for {first:%Y-%m-%d %H:%M} UTC and later "
            f"({absent.size} intervals)",
            where=where,
            start_utc=first,
            end_utc=grid.start_of(int(absent[-1]) + 1),
            fix=f"Load the prices of {code}.",
        )
    ]


def not_final(code: str, source: PriceSeries, where: str) -> list[Finding]:
    """Return the warning about prices that the publisher may still change."""
    if source.final:
        return []
    return [
        Finding(
            "contracts.price_provisional",
            f"prices of {code} are '{source.vintage}', not final",
            severity=Severity.WARN,
            where=where,
        )
    ]


def interval_row(
    label: str,
    inputs: ChargeInputs,
    terms: energy.QuantityParameters,
    series: Series,
    prices: np.ndarray | None,
    evidence: Source,
    digest: str,
    rate: Figure | None = None,
    quantity: Figure | None = None,
) -> IntervalRow | Row:
    """Return the exact products of the intervals; without prices, a row that has no amount.

    `rate` replaces the average that is printed, where all intervals have one price; `quantity` the
    total, where the series is not what the term names.
    """
    unit = energy.PRICE_UNITS[terms.price_unit]
    quantity = quantity or energy.quantity_figures(inputs, series, None, terms)
    if prices is None:
        note = "a price is missing"
        empty = Figure("average_rate", None, terms.price_unit, evidence, note=note)
        return Row(label, quantity, rate or empty)
    share = share_factor(terms)
    if inputs.rounding_point == "LINE":
        scaled = exact.dot(prices, series.values) * share.numerator
        scale = PRICE_SCALE * MICRO * unit.divisor * share.denominator
    else:
        groups = energy.money_groups(inputs, series, None)
        scaled = energy.cents_by_group(prices, series.values, groups, inputs, unit, share)
        scale = 100
    if rate is None:
        rate = energy.average_rate(scaled, scale, quantity, terms.price_unit, evidence)
    digests = {"quantity": series.digest(), "prices": digest}
    return IntervalRow(label, quantity, rate, scaled, scale, series.grid.to_json(), digests)


def said(parameters: IndexParameters, title: Callable[[str], str]) -> str:
    """Return the name of the index in words, with its mean and its basis."""
    index = title(parameters.index)
    if parameters.finer_prices == "AVERAGE":
        index += " (the mean of its prices within an interval)"
    if not parameters.basis_index:
        return index
    share = words.percent(parameters.basis_share_ratio or Decimal(0))
    return f"{index} less {share} of its difference to {title(parameters.basis_index)}"
