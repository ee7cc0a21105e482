"""Energy at a published price x multiplier + adder, interval by interval (INDEX_ADD)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc import energy, words
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE, price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import price as round_price
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet


@charge_types.register("index_adder@1")
class IndexAdder(ChargeType):
    """Sum of q x (index x multiplier + adder) over intervals; a missing price is never zero."""

    title = "Energy at an index plus an adder"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(energy.QuantityParameters):
        """Series, multiplier, adder and what happens to gaps."""

        index: str = param(help="Code of the index series.")
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
            help="A missing index price leaves the amount empty and stops the settlement.",
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
            """Refuse an adder that fixed point cannot hold."""
            price(self.adder)

    def needs(self, parameters: Any) -> Needs:
        """Return the index series."""
        return Needs(prices=(parameters.index,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        index = context.title(parameters.index)
        if parameters.multiplier != 1:
            index += f" times {words.number(parameters.multiplier)}"
        adder = words.dollars(abs(parameters.adder), parameters.price_unit)
        if parameters.adder:
            index += f", {'less' if parameters.adder < 0 else 'plus'} {adder}"
        else:
            index += f", per {unit} as published"
        places = words.counted(parameters.interval_price_places, "place")
        text = (
            f"{words.priced(context)} of every interval at the price of {index}"
            f"{words.since(context)}. The price of an interval is rounded to {places}; a missing "
            "price is never taken as zero, the bill waits for it; "
        )
        text += (
            "prices below zero are passed on"
            if parameters.negative_prices == "ALLOW"
            else "a price below zero stops the bill until it is settled between the parties"
        )
        if parameters.split_adder:
            text += "; index and adder are printed as two rows"
        cents = words.rounding(parameters.quantity_places, unit, parameters.line_per)
        return f"{text}. {cents}"

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
        source, published = self._published(inputs, parameters, series)
        findings = list(self._findings(inputs, parameters, series, published))
        usable = not any(finding.severity == Severity.BLOCK for finding in findings)
        label = inputs.term.label
        rows: list[Row | IntervalRow]
        if parameters.split_adder:
            adder = Figure(
                "adder", parameters.adder, parameters.price_unit, inputs.term.source("adder")
            )
            indexed = self._prices(published, parameters, Decimal(0)) if usable else published
            rows = [
                self._row(f"{label}, index", inputs, parameters, series, indexed, source, usable),
                energy.energy_row(f"{label}, adder", inputs, series, None, adder, parameters),
            ]
        else:
            prices = self._prices(published, parameters, parameters.adder) if usable else published
            rows = [self._row(label, inputs, parameters, series, prices, source, usable)]
        sheet = Worksheet(
            label,
            tuple(rows),
            figures=self._figures(inputs, parameters),
            findings=tuple(findings),
            rounding=inputs.rounding,
            line_per=parameters.line_per,
        )
        return sheet, {}

    def _published(
        self, inputs: ChargeInputs, parameters: Any, series: Series
    ) -> tuple[PriceSeries, np.ndarray]:
        """Return the series and its prices on the readings' grid, as published."""
        if parameters.index not in inputs.prices:
            raise Refused(
                "contracts.index_unknown",
                f"no prices of '{parameters.index}'; known: "
                f"{', '.join(sorted(inputs.prices)) or 'none'}",
            )
        source = inputs.prices[parameters.index]
        if source.unit != parameters.price_unit:
            raise Refused(
                "contracts.index_unit",
                f"{parameters.index} is quoted in {source.unit}, the term in "
                f"{parameters.price_unit}",
            )
        if source.grid.minutes % series.grid.minutes:
            raise Refused(
                "contracts.index_minutes",
                f"prices of {parameters.index} every {source.grid.minutes} minutes cannot price "
                f"readings of {series.grid.minutes} minutes; the prices must be as long as the "
                "readings or a multiple",
            )
        return source, source.onto(series.grid)

    def _findings(
        self, inputs: ChargeInputs, parameters: Any, series: Series, published: np.ndarray
    ) -> list[Finding]:
        """Missing readings, missing prices, unwanted negative prices, prices not final."""
        found = []
        gap = energy.missing_finding(inputs, series)
        if gap:
            found.append(gap)
        where = f"{inputs.term.contract} line {inputs.term.line_code}"
        absent = np.flatnonzero(published == MISSING)
        if absent.size:
            first = series.grid.start_of(int(absent[0]))
            found.append(
                Finding(
                    "contracts.price_missing",
                    f"no price of {parameters.index} for {first:%Y-%m-%d %H:%M} UTC and later "
                    f"({absent.size} intervals)",
                    where=where,
                    start_utc=first,
                    end_utc=series.grid.start_of(int(absent[-1]) + 1),
                    fix=f"Load the prices of {parameters.index}.",
                )
            )
        below = np.flatnonzero((published < 0) & (published != MISSING))
        if below.size and parameters.negative_prices == "BLOCK":
            first = series.grid.start_of(int(below[0]))
            found.append(
                Finding(
                    "contracts.price_negative",
                    f"{parameters.index} is below zero in {below.size} intervals, the first at "
                    f"{first:%Y-%m-%d %H:%M} UTC; the term does not allow it",
                    where=where,
                    start_utc=first,
                )
            )
        if not inputs.prices[parameters.index].final:
            found.append(
                Finding(
                    "contracts.price_provisional",
                    f"prices of {parameters.index} are '{inputs.prices[parameters.index].vintage}'"
                    ", not final",
                    severity=Severity.WARN,
                    where=where,
                )
            )
        return found

    @staticmethod
    def _prices(published: np.ndarray, parameters: Any, adder: Decimal) -> np.ndarray:
        """Interval prices: published x multiplier + adder, rounded to the places of the term."""
        if parameters.multiplier == 1 and parameters.interval_price_places == 8:
            return published + price(adder)  # fixed point already: nothing to round
        distinct, where = np.unique(published, return_inverse=True)
        priced = [
            price(
                round_price(value * parameters.multiplier + adder, parameters.interval_price_places)
            )
            for value in energy.decimal_prices(distinct)
        ]
        return np.array(priced, dtype=np.int64)[where]

    @staticmethod
    def _row(
        label: str,
        inputs: ChargeInputs,
        parameters: Any,
        series: Series,
        prices: np.ndarray,
        source: PriceSeries,
        usable: bool,
    ) -> IntervalRow | Row:
        """Exact products of the intervals; an empty rate when something blocks."""
        unit = energy.PRICE_UNITS[parameters.price_unit]
        quantity = energy.quantity_figures(inputs, series, None, parameters)
        evidence = Source(
            "index", parameters.index, f"{parameters.index}, {source.vintage}", {"label": label}
        )
        if not usable:
            rate = Figure(
                "average_rate", None, parameters.price_unit, evidence, note="a price is missing"
            )
            return Row(label, quantity, rate)
        if inputs.rounding_point == "LINE":
            scaled, scale = exact.dot(prices, series.values), PRICE_SCALE * MICRO * unit.divisor
        else:
            groups = energy.money_groups(inputs, series, None)
            scaled = energy.cents_by_group(prices, series.values, groups, inputs, unit)
            scale = 100
        rate = energy.average_rate(scaled, scale, quantity, parameters.price_unit, evidence)
        return IntervalRow(
            label,
            quantity,
            rate,
            scaled,
            scale,
            series.grid.to_json(),
            {"quantity": series.digest(), "prices": source.digest()},
        )

    @staticmethod
    def _figures(inputs: ChargeInputs, parameters: Any) -> tuple[Figure, ...]:
        """Multiplier and adder as they stand in the contract."""
        return (
            Figure("multiplier", parameters.multiplier, "ratio", inputs.term.source("multiplier")),
            Figure("adder", parameters.adder, parameters.price_unit, inputs.term.source("adder")),
        )
