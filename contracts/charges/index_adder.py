"""Energy at a published price x multiplier + adder, interval by interval (INDEX_ADD).

With it the rest of the index chain: missing-price ladder, basis (BASIS), floor and cap (COLLAR)
and a share of what lies beyond a level (SHARE), settlement.md 2 and 2.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc import collar, energy, energy_share, index_chain, price_ladder, words
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE, price
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet


@charge_types.register("index_adder@1")
class IndexAdder(ChargeType):
    """Sum of q x (index x multiplier + adder) over intervals; a missing price is never zero."""

    title = "Energy at an index plus an adder"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(
        energy_share.ShareParameters,
        collar.CollarParameters,
        index_chain.IndexParameters,
        energy.QuantityParameters,
    ):
        """Series, multiplier, adder, limits, and what happens to gaps."""

        multiplier: Decimal = param(
            default=Decimal(1),
            unit="ratio",
            minimum=Decimal(-100),
            maximum=Decimal(100),
            help="Applied to the index before the adder.",
        )
        adder: Decimal = param(
            default=Decimal(0),
            unit="quoted unit",
            minimum=Decimal(-100_000),
            maximum=Decimal(100_000),
            help="Added to every interval price.",
        )
        interval_price_places: int = param(
            default=8, minimum=0, maximum=8, help="Decimals of the price of an interval, half-up."
        )
        missing_policy: str = param(
            default="BLOCK",
            choices=("BLOCK",),
            help="A price that is missing after the ladder leaves the amount empty and stops the "
            "settlement.",
        )
        negative_prices: str = param(
            default="ALLOW",
            choices=("ALLOW", "BLOCK"),
            help="BLOCK stops the settlement when the index is below zero.",
        )
        split_adder: bool = param(
            default=False, help="Print index and adder as two lines, each with its own cents."
        )

        def __post_init__(self) -> None:
            """Refuse an adder that fixed point cannot hold, and terms that contradict."""
            energy_share.ShareParameters.__post_init__(self)
            index_chain.IndexParameters.__post_init__(self)
            price(self.adder)
            self.check_collar()
            if self.split_adder and not self.is_plain:
                text = "split_adder prints index and adder apart; a collar or a share joins them"
                raise Refused("contracts.split_collar", text)

    def needs(self, parameters: Any) -> Needs:
        """Return the index series and those that stand in for it."""
        return index_chain.needs(parameters)

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        places = words.counted(parameters.interval_price_places, "place")
        text = (
            f"{energy_share.said(parameters, context)} of every interval at the price of "
            f"{self._price_said(parameters, context)}{words.since(context)}"
            f"{collar.said(parameters, parameters.price_unit)}. The price of an interval is "
            f"rounded to {places}; {price_ladder.sentence(parameters, context.title)}; "
        )
        text += (
            "prices below zero are passed on"
            if parameters.negative_prices == "ALLOW"
            else "a price below zero stops the bill until it is settled between the parties"
        )
        text += parameters.said_revisions()
        if parameters.split_adder:
            text += "; index and adder are printed as two rows"
        cents = words.rounding(parameters.quantity_places, unit, parameters.line_per)
        return f"{text}. {cents}"

    @staticmethod
    def _price_said(parameters: Any, context: TermContext) -> str:
        """Return index, multiplier and adder in words; multiplier 0 leaves a base price."""
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        index = index_chain.said(parameters, context.title)
        adder = words.dollars(abs(parameters.adder), parameters.price_unit)
        if parameters.multiplier == 0:
            sign = "−" if parameters.adder < 0 else ""
            return f"{sign}{adder} (the index is {index})"
        if parameters.multiplier != 1:
            index += f" times {words.number(parameters.multiplier)}"
        if not parameters.adder:
            return f"{index}, per {unit} as published"
        return f"{index}, {'less' if parameters.adder < 0 else 'plus'} {adder}"

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find a split without a line per row: its cents would be rounded away again."""
        if parameters.split_adder and parameters.line_per != "ROW":
            return [
                Finding(
                    "contracts.split_needs_rows",
                    "index and adder on two lines need 'line per row'",
                    where="line_per",
                )
            ]
        return []

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row of exact interval products, or two when index and adder are split."""
        series = inputs.quantity()
        found = index_chain.reference(inputs, parameters, series.grid, parameters.price_unit)
        findings = self._findings(inputs, parameters, series, found)
        usable = not any(finding.severity == Severity.BLOCK for finding in findings)
        rows: list[Row | IntervalRow]
        if parameters.split_adder:
            rows = self._split(inputs, parameters, series, found, usable)
        elif parameters.on_average and usable:
            rows = [self._averaged(inputs, parameters, series, found)]
        else:
            prices = interval_prices(parameters, found) if usable else None
            rows = [self._row(inputs.term.label, inputs, parameters, series, prices, found)]
        sheet = inputs.worksheet(
            rows,
            figures=self._figures(inputs, parameters, found),
            findings=findings,
            line_per=parameters.line_per,
        )
        return sheet, {}

    def interval_prices(self, inputs: ChargeInputs, parameters: Any) -> np.ndarray:
        """Return the price of every interval; without a step on the average of the period."""
        grid = inputs.quantity().grid
        found = index_chain.reference(inputs, parameters, grid, parameters.price_unit)
        return interval_prices(parameters, found)

    def _findings(
        self, inputs: ChargeInputs, parameters: Any, series: Series, found: index_chain.Reference
    ) -> list[Finding]:
        """Missing readings, missing prices, unwanted negative prices, prices not final."""
        gap = energy.missing_finding(inputs, series)
        result = [gap] if gap else []
        of_prices = index_chain.findings(inputs, parameters, found, series.grid)
        result += [one for one in of_prices if one.severity == Severity.BLOCK]
        if parameters.negative_prices == "BLOCK":
            result += negative(inputs, parameters.index, found.prices, series.grid)
        return result + [one for one in of_prices if one.severity != Severity.BLOCK]

    def _split(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        series: Series,
        found: index_chain.Reference,
        usable: bool,
    ) -> list[Row | IntervalRow]:
        """Return index and adder as two rows, each with its own cents."""
        label, source = inputs.term.label, inputs.term.source("adder")
        adder = Figure("adder", parameters.adder, parameters.price_unit, source)
        prices = interval_prices(parameters, found, Decimal(0)) if usable else None
        return [
            self._row(f"{label}, index", inputs, parameters, series, prices, found),
            energy.energy_row(f"{label}, adder", inputs, series, None, adder, parameters),
        ]

    def _averaged(
        self, inputs: ChargeInputs, parameters: Any, series: Series, found: index_chain.Reference
    ) -> IntervalRow:
        """Return one row at the price that was made on the average of the period."""
        unit = energy.PRICE_UNITS[parameters.price_unit]
        share = energy_share.share_factor(parameters)
        source = inputs.term.source("adder")
        made = collar.on_average(
            parameters,
            Figure("adder", parameters.adder, parameters.price_unit, source),
            found.prices,
            interval_prices(parameters, found),
            series.values,
            self._source(inputs.term.label, parameters, found),
        )
        return IntervalRow(
            inputs.term.label,
            energy.quantity_figures(inputs, series, None, parameters),
            made.figure,
            made.amount.numerator * share.numerator,
            made.amount.denominator * share.denominator * PRICE_SCALE * MICRO * unit.divisor,
            series.grid.to_json(),
            {"quantity": series.digest(), "prices": found.digest},
        )

    def _row(
        self,
        label: str,
        inputs: ChargeInputs,
        parameters: Any,
        series: Series,
        prices: np.ndarray | None,
        found: index_chain.Reference,
    ) -> IntervalRow | Row:
        """Exact products of the intervals; an empty rate when something blocks."""
        source = self._source(label, parameters, found)
        return index_chain.interval_row(
            label, inputs, parameters, series, prices, source, found.digest
        )

    @staticmethod
    def _source(label: str, parameters: Any, found: index_chain.Reference) -> Source:
        """Return which index the prices are from, and which publication of it."""
        name = f"{parameters.index}, {found.source.vintage}"
        return Source("index", parameters.index, name, {"label": label})

    @staticmethod
    def _figures(
        inputs: ChargeInputs, parameters: Any, found: index_chain.Reference
    ) -> tuple[Figure, ...]:
        """Multiplier, adder and limits as they stand in the contract; then substituted prices."""
        term = inputs.term
        agreed = [
            Figure("multiplier", parameters.multiplier, "ratio", term.source("multiplier")),
            Figure("adder", parameters.adder, parameters.price_unit, term.source("adder")),
        ]
        if parameters.basis_index:
            share = parameters.basis_share_ratio
            agreed.append(Figure("basis_share_ratio", share, "ratio", term.source("basis share")))
        limits = collar.figures(parameters, parameters.price_unit, term.source)
        return (*agreed, *limits, *price_ladder.evidence(parameters.index, found.runs))


def interval_prices(
    parameters: Any, found: index_chain.Reference, adder: Decimal | None = None
) -> np.ndarray:
    """Prices of the intervals in 10^-8: the index after multiplier, adder and what limits it.

    A step on the average of the period is not in them.
    """
    adder = parameters.adder if adder is None else adder
    plain = parameters.multiplier == 1 and parameters.is_plain
    if plain and parameters.interval_price_places == 8 and MISSING not in found.prices:
        return found.prices + price(adder)  # fixed point already: nothing to round
    rule = collar.interval_rule(
        parameters, parameters.multiplier, adder, parameters.interval_price_places
    )
    return index_chain.each(found.prices, rule)


def negative(inputs: ChargeInputs, code: str, prices: np.ndarray, grid: Grid) -> list[Finding]:
    """Return the blocking finding of prices below zero that a term does not allow."""
    below = np.flatnonzero((prices < 0) & (prices != MISSING))
    if not below.size:
        return []
    first = grid.start_of(int(below[0]))
    return [
        Finding(
            "contracts.price_negative",
            f"{code} is below zero in {below.size} intervals, the first at "
            f"{first:%Y-%m-%d %H:%M} UTC; the term does not allow it",
            where=index_chain.place(inputs),
            start_utc=first,
        )
    ]
