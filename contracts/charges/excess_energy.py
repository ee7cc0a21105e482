"""Energy above a limit of the month, the contract year or the hour, at a lower price (EXCESS)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc import energy, escalation, growth_words, named_volumes, words
from contracts.calc.block_counter import BlockCounter
from contracts.calc.checked import refuse
from contracts.calc.days import days_figure, in_month
from contracts.calc.energy_blocks import BlockSegment, block_segments
from contracts.calc.local_days import prices_on
from contracts.calc.of_month import OfMonthParameters, number_of, said, unknown
from contracts.calc.price_ladder import quoted_in
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel import exact
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MICRO, MISSING, PRICE_SCALE, from_micro
from poweroptix.kernel.fixed import price as fixed_price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet

ZERO = Decimal(0)
TESTED = {"MONTH": "month", "CONTRACT_YEAR": "contract year", "HOUR": "hour"}
PRICES = {
    "CONTRACT": "This line bills the energy up to the limit",
    "EXCESS": "This line bills the excess alone",
    "BOTH": "This line bills all energy",
}


@charge_types.register("excess_energy@1")
class ExcessEnergy(ChargeType):
    """Energy up to a limit at the price, above it at a share of the price or the lower index."""

    title = "Excess energy"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(OfMonthParameters, energy.QuantityParameters, escalation.EscalatorParameters):
        """Price, limit and what the excess is worth."""

        MAY_STATE = {"contract_quantity": True}

        price: Decimal = param(
            unit="quoted unit",
            minimum=Decimal(-1_000_000),
            maximum=Decimal(1_000_000),
            help="Price of contract year 1 for energy up to the limit.",
        )
        contract_quantity: Decimal = param(
            unit="quoted unit",
            minimum=ZERO,
            maximum=Decimal(1_000_000_000),
            help="Agreed energy of a month, a contract year or an hour.",
        )
        limit_ratio: Decimal = param(
            default=Decimal(1),
            unit="ratio",
            minimum=ZERO,
            maximum=Decimal(10),
            help="Energy above this share of the agreed energy is excess, 1.1 for 110 %.",
        )
        test: str = param(
            choices=("MONTH", "CONTRACT_YEAR", "HOUR"), help="The time that the limit holds for."
        )
        prices: str = param(
            choices=("CONTRACT", "EXCESS", "BOTH"),
            help="What this line bills: energy up to the limit, the excess, or both.",
        )
        excess_price: str = param(
            choices=("SHARE", "LOWER_OF_INDEX"),
            help="SHARE: a share of the price; LOWER_OF_INDEX: that or the index, if lower.",
        )
        excess_ratio: Decimal = param(
            unit="ratio", minimum=ZERO, maximum=Decimal(10), help="Share of the price, 0.75."
        )
        index: str = param(default="", help="Code of the index, with LOWER_OF_INDEX.")
        part_month: str = param(
            choices=("DAYS", "WHOLE"),
            help="Limit of a part month: its days over the days of the month, or whole.",
        )
        drawn_before: list[str] = param(
            default=(),
            help="Names of volumes that come before the excess, for example make_up_mwh.",
        )

        def __post_init__(self) -> None:
            """Refuse what fixed point cannot hold, and choices that do not fit each other."""
            fixed_price(self.price)
            if (self.excess_price == "LOWER_OF_INDEX") != bool(self.index):
                refuse("index", "LOWER_OF_INDEX needs an index, and only that")
            if self.test == "HOUR" and self.drawn_before:
                refuse("drawn_before", "volumes of the month cannot be taken from single hours")
            if self.of_month and self.test != "MONTH":
                refuse("of_month", "only a limit of the month is stated for each month")
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the index of the excess, those of the price, and the volumes of the month."""
        return Needs(
            prices=(parameters.index,) if parameters.index else (),
            histories=escalation.indices(parameters),
            facts=(
                *named_volumes.month_numbers(parameters.drawn_before),
                *parameters.of_month,
            ),
            events=named_volumes.event_kinds(parameters.drawn_before),
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        tested = TESTED[parameters.test]
        limit = f"{words.number(parameters.contract_quantity)} {unit}"
        if parameters.limit_ratio != 1:
            limit = f"{words.percent(parameters.limit_ratio)} of {limit}"
        worth = f"{words.percent(parameters.excess_ratio)} of the price"
        if parameters.index:
            worth += f" or at {context.title(parameters.index)}, whichever is lower"
        text = (
            f"{words.priced(context)} above {limit} in a {tested} is excess and paid at {worth}; "
            f"energy up to that costs {words.dollars(parameters.price, parameters.price_unit)}"
            f"{words.since(context, parameters)}{growth_words.growth(parameters, context)}. "
            f"{PRICES[parameters.prices]}"
        )
        if parameters.drawn_before:
            first = words.listed(named_volumes.said(parameters.drawn_before))
            text += f"; {first} comes before the excess"
        if parameters.test == "MONTH":
            how = "shortened to its days" if parameters.part_month == "DAYS" else "whole"
            text += f"; the limit of a part month is {how}"
        cents = words.rounding(parameters.quantity_places, unit, parameters.line_per)
        return f"{text}. {cents}{said(parameters)}"

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find a price that leaves its bounds, and a yearly limit without a first day."""
        found = list(escalation.check_growth(parameters.price, parameters, context, "price"))
        if parameters.test == "CONTRACT_YEAR" and context.anchor_date is None and not found:
            text = "a limit of the contract year needs the first day of contract year 1"
            found.append(Finding("contracts.no_anchor", text, where="test"))
        return found

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """Return a row up to the limit and a row of excess, for each price of the period."""
        series = inputs.quantity()
        gap = energy.missing_finding(inputs, series)
        test = _Test(inputs, parameters, series, carry_in)
        findings = [*test.findings, *([gap] if gap else [])]
        rows: list[Row | IntervalRow] = []
        for part in test.segments:
            rows += test.rows(part, known=not findings)
        sheet = inputs.worksheet(
            rows,
            figures=test.figures,
            findings=(*findings, *test.unpriced, *test.counter.findings, *test.growth.findings),
            line_per=parameters.line_per,
        )
        return sheet, dict(carry_in) if gap else test.carry_out()


class _Test:
    """The limit of one term in one period: what is excess, and what it is worth."""

    def __init__(
        self, inputs: ChargeInputs, parameters: Any, series: Series, carry: Mapping[str, Any]
    ) -> None:
        self.inputs, self.parameters, self.series = inputs, parameters, series
        self.unit = energy.PRICE_UNITS[parameters.price_unit]
        self.yearly = parameters.test == "CONTRACT_YEAR"
        self.growth = escalation.Escalation(inputs, parameters)
        self.counter = BlockCounter(inputs, carry if self.yearly else {}, self.unit.quoted_unit)
        self.segments = block_segments(inputs, self.growth, parameters, yearly=self.yearly)
        named = parameters.drawn_before
        drawn, self.findings = named_volumes.total_volume(
            inputs, named, "drawn_before", self.unit.quoted_unit
        )
        self.findings += tuple(unknown(inputs, parameters, self._agreed()))
        self.drawn_left = drawn.value or ZERO
        self.figures = [drawn] if named else []
        self.unpriced: list[Finding] = []

    def carry_out(self) -> dict[str, Any]:
        """Return what the next month has to know."""
        return self.counter.carry_out() if self.yearly else {}

    def rows(self, part: BlockSegment, *, known: bool) -> list[Row | IntervalRow]:
        """Return the rows of one segment; `known` is False while a volume or reading is missing."""
        cut = part.cut(self.inputs, self.series)
        quantity = energy.quantity_figures(self.inputs, cut, None, self.parameters)
        base = Figure("price", self.parameters.price, self.parameters.price_unit)
        base = replace(base, source=self.inputs.term.source("price"))
        rate = self.growth.price(base, part.year)
        self.counter.turn_to(part.counted_from)
        start = self._counted("ALL")
        if not known or start.value is None or quantity.value is None:
            empty = Figure("excess", None, self.unit.quoted_unit, note="a volume is missing")
            return [Row(self.inputs.term.label, empty, rate)]
        if self.parameters.test == "HOUR":
            tested, over, excess = self._of_hours(cut)
        else:
            tested = cut
            excess, over = self._of_count(cut, quantity, start)
        self.counter.add("ALL", quantity.value)
        return self._priced(part, tested, quantity, excess, over, rate)

    def _counted(self, name: str) -> Figure:
        return replace(self.counter.before(name), name=f"counted_{energy.name_of(name)}")

    def _agreed(self) -> Figure:
        """Return the agreed energy, as the contract or the month states it."""
        agreed, source = self.parameters.contract_quantity, self.inputs.term.source("agreed energy")
        figure = Figure("contract_quantity", agreed, self.unit.quoted_unit, source)
        return number_of(self.inputs, self.parameters, figure)

    def _limit(self) -> Figure:
        term, parameters = self.inputs.term, self.parameters
        agreed = self._agreed()
        ratio = Figure("limit_ratio", parameters.limit_ratio, "ratio", term.source("limit"))
        figures, formula = [agreed, ratio], "contract_quantity * limit_ratio"
        days, month_days = in_month(self.inputs)
        shortened = parameters.part_month == "DAYS" and not parameters.of_month
        if parameters.test == "MONTH" and days != month_days and shortened:
            figures.append(days_figure(self.inputs, days))
            formula += f" * days / {month_days}"
        places = (parameters.quantity_places, Mode.HALF_UP)
        return Figure.computed("limit", self.unit.quoted_unit, formula, *figures, round_to=places)

    def _of_count(self, cut: Series, quantity: Figure, start: Figure) -> tuple[Figure, np.ndarray]:
        """Return the excess over what the month or year has counted, and that of each interval.

        Volumes that come before the excess are taken from the first energy above the limit.
        """
        limit = self._limit()
        freed = self._counted("drawn")
        drawn = Figure("drawn_before", self.drawn_left, self.unit.quoted_unit)
        begin = start.value - freed.value
        formula = f"max({start.name} - {freed.name} + {quantity.name} - drawn_before - "
        formula += f"max(limit, {start.name} - {freed.name}), 0)"
        figures = [quantity, limit, start, freed, drawn]
        if not start.value and not freed.value and not drawn.value:
            formula, figures = f"max({quantity.name} - limit, 0)", [quantity, limit]
        excess = Figure.computed("excess", self.unit.quoted_unit, formula, *figures)
        above = max(begin + quantity.value - max(limit.value, begin), ZERO)
        used = above - excess.value
        self.drawn_left -= used
        self.counter.add("drawn", used)
        floor = int((max(limit.value, begin) + used - begin) * self.unit.divisor * MICRO)
        after = np.cumsum(cut.values)
        over = np.maximum(after, floor) - np.maximum(after - cut.values, floor)
        return excess, over

    def _of_hours(self, cut: Series) -> tuple[Series, np.ndarray, Figure]:
        hourly = cut.to_minutes(60)
        limit = self._limit()
        self.figures.append(replace(limit, name="limit_of_an_hour"))
        over = np.maximum(hourly.values - int(limit.value * self.unit.divisor * MICRO), 0)
        hours = int((over > 0).sum())
        label = f"{self.inputs.term.quantity_name} above {limit.text()} in {hours} hours"
        source = Source("readings", hourly.digest(), label)
        raw = Figure("over_limit", from_micro(exact.total(over)), self.unit.series_unit, source)
        formula = raw.name if self.unit.divisor == 1 else f"{raw.name} / {self.unit.divisor}"
        places = (self.parameters.quantity_places, Mode.HALF_UP)
        excess = Figure.computed("excess", self.unit.quoted_unit, formula, raw, round_to=places)
        return hourly, over, excess

    def _priced(
        self,
        part: BlockSegment,
        series: Series,
        quantity: Figure,
        excess: Figure,
        over: np.ndarray,
        rate: Figure,
    ) -> list[Row | IntervalRow]:
        rows: list[Row | IntervalRow] = []
        dated = f" {part.first_day} to {part.last_day}" if len(self.segments) > 1 else ""
        label = self.inputs.term.label
        if self.parameters.prices != "EXCESS":
            formula = f"{quantity.name} - excess"
            within = Figure.computed("within", self.unit.quoted_unit, formula, quantity, excess)
            rows.append(Row(f"{label}, up to the limit{dated}", within, rate))
        if self.parameters.prices != "CONTRACT":
            ratio = Figure(
                "excess_ratio",
                self.parameters.excess_ratio,
                "ratio",
                self.inputs.term.source("share of the price"),
            )
            worth = Figure.computed(
                "excess_price",
                self.parameters.price_unit,
                f"{rate.name} * excess_ratio",
                rate,
                ratio,
                round_to=(8, Mode.HALF_UP),
            )
            text = f"{label}, excess{dated}"
            if self.parameters.excess_price == "SHARE":
                rows.append(Row(text, excess, worth))
            else:
                rows.append(self._indexed(text, series, excess, over, worth))
        return rows

    def _indexed(
        self, label: str, series: Series, excess: Figure, over: np.ndarray, worth: Figure
    ) -> Row | IntervalRow:
        """Return the exact products of excess and the lower of price and index."""
        prices = self._published(series)
        chosen = over != 0
        if (prices[chosen] == MISSING).any():
            note = "a price is missing in an hour with excess"
            empty = Figure("average_rate", None, self.parameters.price_unit, note=note)
            self.unpriced.append(self._no_price(series, prices, chosen))
            return Row(label, excess, empty)
        lower = np.where(chosen, np.minimum(prices, fixed_price(worth.value)), 0)
        scaled, scale = exact.dot(lower, over), PRICE_SCALE * MICRO * self.unit.divisor
        source = self.inputs.prices[self.parameters.index]
        evidence = Source(
            "index",
            self.parameters.index,
            f"lower of {worth.text()} and {self.parameters.index}, {source.vintage}",
        )
        rate = energy.average_rate(scaled, scale, excess, self.parameters.price_unit, evidence)
        digests = {"quantity": series.digest(), "prices": source.digest()}
        return IntervalRow(label, excess, rate, scaled, scale, series.grid.to_json(), digests)

    def _no_price(self, series: Series, prices: np.ndarray, chosen: np.ndarray) -> Finding:
        code = self.parameters.index
        first = series.grid.start_of(int(np.flatnonzero(chosen & (prices == MISSING))[0]))
        return Finding(
            "contracts.price_missing",
            f"no price of {code} for {first:%Y-%m-%d %H:%M} UTC, where there is excess",
            where=f"{self.inputs.term.contract} line {self.inputs.term.line_code}",
            start_utc=first,
            fix=f"Load the prices of {code}.",
        )

    def _published(self, series: Series) -> np.ndarray:
        unit, code = self.parameters.price_unit, self.parameters.index
        source = quoted_in(unit, code, self.inputs.prices)
        return prices_on(source, series.grid, self.inputs.zone)
