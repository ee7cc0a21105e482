"""Contract for difference, virtual power purchase, financial swap: fixed for floating (CFD)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from contracts.calc import energy, index_chain, price_ladder, words
from contracts.calc.index_chain import Reference
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING, micro, price
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, cumulative
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet

BLOCK_MINUTES = 60
NEGATIVE = {
    "NO_FLOOR": "hours with an index below zero settle like any other",
    "FLOOR_ZERO": "an index below zero counts as zero",
    "NO_SETTLEMENT": "intervals with an index below zero do not settle",
}


@charge_types.register("difference@1")
class Difference(ChargeType):
    """Sum of q x (F - K) over intervals, F floating and K fixed, from the customer's side.

    It moves money, not energy: its quantity is notional.
    """

    title = "Fixed for floating: difference to a strike price"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(index_chain.IndexParameters, energy.QuantityParameters):
        """Index, strike, who pays which, the volume, and hours below zero."""

        strike: Decimal = param(unit="quoted unit", help="The fixed price K.")
        customer_pays: str = param(
            choices=("FIXED", "FLOATING"),
            help="FIXED: the customer pays the strike and receives the index, so a high index is "
            "a credit; FLOATING: the other way round.",
        )
        volume: str = param(
            choices=("AS_GENERATED", "FLAT_BLOCK", "CAPPED"),
            help="AS_GENERATED: the quantity of the term; CAPPED: at most volume_kw of it in every "
            "interval; FLAT_BLOCK: volume_kw in every hour, whatever is generated.",
        )
        volume_kw: Decimal | None = param(
            default=None, unit="kW", minimum=0, help="The block or the cap."
        )
        negative_prices: str = param(
            choices=tuple(NEGATIVE),
            help="NO_FLOOR: they settle; FLOOR_ZERO: the index counts as zero; NO_SETTLEMENT: such "
            "intervals drop out.",
        )

        def __post_init__(self) -> None:
            """Refuse a volume without its kW, kW that nothing reads, and other units."""
            super().__post_init__()
            price(self.strike)
            if (self.volume_kw is None) != (self.volume == "AS_GENERATED"):
                verb = "has no" if self.volume == "AS_GENERATED" else "needs"
                raise Refused("contracts.volume", f"the volume {self.volume} {verb} volume_kw")
            if self.price_unit == "USD/MMBtu":
                text = "a volume in kW settles in USD/MWh or USD/kWh, not in USD/MMBtu"
                raise Refused("contracts.volume", text)

    def reads_quantity(self, parameters: Any) -> bool:
        """Return False for a flat block: it needs no meter."""
        return parameters.volume != "FLAT_BLOCK"

    def needs(self, parameters: Any) -> Needs:
        """Return the floating index and those that stand in for it."""
        return index_chain.needs(parameters)

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        strike = words.dollars(parameters.strike, parameters.price_unit)
        index = index_chain.said(parameters, context.title)
        pays, gets = f"the fixed {strike}", f"the price of {index}"
        if parameters.customer_pays == "FLOATING":
            pays, gets = gets, pays
        text = (
            f"Difference: the customer pays {pays} and receives {gets} for every interval"
            f"{words.since(context)}, {self._volume_said(parameters, context)}. No energy moves; "
            f"{NEGATIVE[parameters.negative_prices]}; "
            f"{price_ladder.sentence(parameters, context.title)}{parameters.said_revisions()}"
        )
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        return f"{text}. {words.rounding(parameters.quantity_places, unit, parameters.line_per)}"

    @staticmethod
    def _volume_said(parameters: Any, context: TermContext) -> str:
        """Return the volume in words."""
        named = words.priced(context)
        of = named[:1].lower() + named[1:]
        if parameters.volume == "AS_GENERATED":
            return f"on the {of} as metered"
        kw = words.number(parameters.volume_kw)
        if parameters.volume == "CAPPED":
            return f"on the {of} as metered up to {kw} kW"
        return f"on a flat block of {kw} kW"

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row of exact interval products; positive is what the customer owes."""
        series = self._volume(inputs, parameters)
        found = index_chain.reference(inputs, parameters, series.grid, parameters.price_unit)
        gap = energy.missing_finding(inputs, series)
        findings: list[Finding] = [gap] if gap else []
        findings += index_chain.findings(inputs, parameters, found, series.grid)
        usable = not any(one.severity == Severity.BLOCK for one in findings)
        settled = _settled(parameters, series, found) if usable else series
        row = index_chain.interval_row(
            inputs.term.label,
            inputs,
            parameters,
            settled,
            _owed(parameters, found) if usable else None,
            Source("index", parameters.index, f"{parameters.index}, {found.source.vintage}"),
            found.digest,
            quantity=self._quantity(inputs, parameters, settled, found),
        )
        sheet = inputs.worksheet(
            (row,),
            figures=self._figures(inputs, parameters, row, found, series.grid),
            findings=findings,
            line_per=parameters.line_per,
        )
        return sheet, {}

    def interval_prices(self, inputs: ChargeInputs, parameters: Any) -> np.ndarray:
        """Return what the customer owes per quoted unit in every interval."""
        grid = self._volume(inputs, parameters).grid
        found = index_chain.reference(inputs, parameters, grid, parameters.price_unit)
        return _owed(parameters, found)

    @staticmethod
    def _volume(inputs: ChargeInputs, parameters: Any) -> Series:
        """Return the notional energy of every interval."""
        if parameters.volume == "FLAT_BLOCK":
            return _block(inputs, parameters)
        series = inputs.quantity()
        if parameters.volume == "AS_GENERATED":
            return series
        most = [micro(one) for one in _energy_of(parameters.volume_kw, series.grid)]
        return replace(series, values=np.minimum(series.values, np.array(most, dtype=np.int64)))

    @staticmethod
    def _quantity(
        inputs: ChargeInputs, parameters: Any, series: Series, found: Reference
    ) -> Figure:
        """Return the settled quantity; that of a block is its kW times the settled hours."""
        if parameters.volume != "FLAT_BLOCK":
            kind = "capped" if parameters.volume == "CAPPED" else ""
            name = f"{inputs.term.quantity_name} {kind}, settled".replace(" ,", ",")
            return energy.quantity_figures(inputs, series, None, parameters, name)
        unit = energy.PRICE_UNITS[parameters.price_unit]
        settled = Decimal(int((series.values != 0).sum()) * series.grid.minutes) / 60
        return Figure.computed(
            f"quantity_{unit.quoted_unit.lower()}",
            unit.quoted_unit,
            f"volume_kw x hours / {unit.divisor}",
            Figure("volume_kw", parameters.volume_kw, "kW", inputs.term.source("volume")),
            Figure("hours", settled, "hours", note="that settle"),
            round_to=(parameters.quantity_places, Mode.HALF_UP),
        )

    @staticmethod
    def _figures(
        inputs: ChargeInputs, parameters: Any, row: Row | IntervalRow, found: Reference, grid: Grid
    ) -> tuple[Figure, ...]:
        """Strike, what the customer receives, intervals below zero, and substituted prices."""
        strike = Figure(
            "strike", parameters.strike, parameters.price_unit, inputs.term.source("strike")
        )
        owed = Figure("owed_by_customer", row.exact_usd, inputs.currency)
        below = int(((found.prices < 0) & (found.prices != MISSING)).sum())
        source = Source("index", parameters.index, f"{parameters.index}, {found.source.vintage}")
        return (
            strike,
            Figure.computed("paid_to_customer", inputs.currency, "0 - owed_by_customer", owed),
            Figure("intervals_below_zero", Decimal(below), "count", source,
                   note=NEGATIVE[parameters.negative_prices]),
            *price_ladder.evidence(parameters.index, found.runs),
        )  # fmt: skip


def _energy_of(volume_kw: Decimal, grid: Grid) -> list[Decimal]:
    """Return the kWh of a constant power in every interval; their sum is exact."""
    return cumulative([Fraction(volume_kw) * grid.minutes / 60] * grid.count, 6)


def _block(inputs: ChargeInputs, parameters: Any) -> Series:
    """Return a flat block over the days in force, as fine as the index."""
    source = price_ladder.priced_series(parameters.named(parameters.index), inputs.prices)
    grid = Grid.spanning(*inputs.window(), min(source.grid.minutes, BLOCK_MINUTES))
    return Series.of(grid, list(_energy_of(parameters.volume_kw, grid)), "kWh")


def _settled(parameters: Any, series: Series, found: Reference) -> Series:
    """Return the volume without the intervals that do not settle."""
    if parameters.negative_prices != "NO_SETTLEMENT":
        return series
    return replace(series, values=np.where(found.prices < 0, 0, series.values))


def _owed(parameters: Any, found: Reference) -> np.ndarray:
    """Return what the customer owes per unit, in 10^-8: K - F, or F - K."""
    floating = found.prices
    if parameters.negative_prices == "FLOOR_ZERO":
        floating = np.where(floating == MISSING, MISSING, np.maximum(floating, 0))
    owed = price(parameters.strike) - np.where(floating == MISSING, 0, floating)
    if parameters.customer_pays == "FLOATING":
        owed = -owed
    return np.where(floating == MISSING, MISSING, owed)
