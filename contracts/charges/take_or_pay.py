"""Energy that is paid whether taken or not, and made up later (TOP_MONTH, TOP_YEAR, MAKE_UP)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from contracts.calc import energy, escalation, growth_words, take_or_pay_words
from contracts.calc.block_counter import BlockCounter
from contracts.calc.checked import refuse
from contracts.calc.contract_year import contract_year
from contracts.calc.days import days_figure, in_month
from contracts.calc.energy_blocks import BlockSegment, block_segments
from contracts.calc.make_up import MakeUpBank, Paid, paid_of
from contracts.calc.named_volumes import event_kinds, month_numbers, total_volume
from contracts.calc.of_month import OfMonthParameters, number_of, said, unknown
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price as fixed_price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Row, Worksheet

ZERO, MILLION = Decimal(0), Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class YearQuantity:
    """Another contract quantity in one contract year, for example a stub or a ramp."""

    contract_year: int = param(minimum=1, maximum=100)
    quantity: Decimal = param(unit="quoted unit", minimum=ZERO, maximum=Decimal(1_000_000_000))


@charge_types.register("take_or_pay@1")
class TakeOrPay(ChargeType):
    """What is missing to a share of the agreed energy is paid, once, and may be made up later."""

    title = "Take or pay"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(OfMonthParameters, energy.QuantityParameters, escalation.EscalatorParameters):
        """Agreed energy, what counts as taken, the price of a deficiency, and make-up."""

        MAY_STATE = {"contract_quantity": True}

        price: Decimal = param(
            unit="quoted unit",
            minimum=-MILLION,
            maximum=MILLION,
            help="Price of energy in contract year 1.",
        )
        contract_quantity: Decimal = param(
            unit="quoted unit",
            minimum=ZERO,
            maximum=Decimal(1_000_000_000),
            help="Agreed energy of a month or a contract year.",
        )
        year_quantities: list[YearQuantity] = param(
            default=(), help="Contract years with another agreed energy."
        )
        take_ratio: Decimal = param(
            unit="ratio", minimum=ZERO, maximum=Decimal(1), help="Share that is paid, 0.9 for 90 %."
        )
        test: str = param(
            choices=("MONTH", "CONTRACT_YEAR"),
            help="When a deficiency is found: each month, or in the last month of the year.",
        )
        pays: str = param(
            choices=("FULL_PRICE", "LESS_AVOIDED_COST", "FIXED_PRICE"),
            help="Price of a deficiency: that of the energy, less avoided cost, or a price of its "
            "own.",
        )
        avoided_cost: Decimal = param(
            default=ZERO, unit="quoted unit", minimum=ZERO, maximum=MILLION
        )
        deficiency_price: Decimal | None = param(
            default=None, required=False, unit="quoted unit", minimum=ZERO, maximum=MILLION
        )
        excused: list[str] = param(
            help="Names of the volumes that are excused: excused_mwh is what the events of kind "
            "excuse say of the buyer; others are stated for the month, for example outage_mwh; "
            "none when nothing is."
        )
        deemed: list[str] = param(
            help="Names of the volumes that count as taken without delivery: deemed_mwh; none "
            "when nothing does."
        )
        make_up_years: int = param(
            minimum=0,
            maximum=40,
            help="Contract years after the paid one in which a deficiency may be made up; 0: none.",
        )
        energy_billed: str = param(
            choices=("OTHER_TERMS", "HERE"),
            help="Where the energy itself is billed: by other lines at the full price (make-up is "
            "then a credit here), or on this line.",
        )
        part_month: str = param(
            choices=("DAYS", "WHOLE"),
            help="Agreed energy of a part month: its days over the days of the month, or whole.",
        )

        def __post_init__(self) -> None:
            """Refuse prices that fixed point cannot hold, and choices that do not fit."""
            fixed_price(self.price)
            if (self.pays == "FIXED_PRICE") != (self.deficiency_price is not None):
                refuse("deficiency_price", "FIXED_PRICE needs a price, and only that")
            years = [row.contract_year for row in self.year_quantities]
            if len(set(years)) != len(years):
                refuse("year_quantities", "a contract year is named twice")
            if self.of_month and self.test != "MONTH":
                refuse("of_month", "a contract year is tested against the energy of the year")
            super().__post_init__()

        def agreed_in(self, year: int) -> Decimal:
            """Return the agreed energy of a contract year, or of each of its months."""
            named = {row.contract_year: row.quantity for row in self.year_quantities}
            return named.get(year, self.contract_quantity)

    def needs(self, parameters: Any) -> Needs:
        """Return the indices that the price follows, and the volumes of the month."""
        volumes = (*parameters.excused, *parameters.deemed)
        return Needs(
            histories=escalation.indices(parameters),
            facts=(*month_numbers(volumes), *parameters.of_month),
            events=event_kinds(volumes),
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        growth = growth_words.growth(parameters, context)
        return take_or_pay_words.sentence(parameters, context, growth) + said(parameters)

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find a price that leaves its bounds, and contract years without a first day."""
        if context.anchor_date is None:
            text = "take or pay needs the first day of contract year 1"
            return [Finding("contracts.no_anchor", text, where="test")]
        return list(escalation.check_growth(parameters.price, parameters, context, "price"))

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """Return rows of energy or make-up, and of the deficiency where the tested time ends."""
        series = inputs.quantity()
        gap = energy.missing_finding(inputs, series)
        account = _Account(inputs, parameters, series, carry_in)
        findings = [*account.findings, *([gap] if gap else [])]
        rows: list[Row] = []
        for part in account.segments:
            rows += account.rows(part, known=not findings)
        sheet = inputs.worksheet(
            rows,
            figures=account.figures(),
            findings=(*findings, *account.counter.findings, *account.growth.findings),
            line_per=parameters.line_per,
        )
        return sheet, dict(carry_in) if findings else account.carry_out()


class _Account:
    """Taken, owed and banked energy of one term in one period."""

    def __init__(
        self, inputs: ChargeInputs, parameters: Any, series: Series, carry: Mapping[str, Any]
    ) -> None:
        self.inputs, self.parameters, self.series = inputs, parameters, series
        self.unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        self.yearly = parameters.test == "CONTRACT_YEAR"
        self.growth = escalation.Escalation(inputs, parameters)
        self.counter = BlockCounter(inputs, carry if self.yearly else {}, self.unit)
        self.bank = MakeUpBank(paid_of(carry), parameters.make_up_years)
        self.segments = block_segments(inputs, self.growth, parameters, yearly=True)
        excused, not_excused = total_volume(inputs, parameters.excused, "excused", self.unit)
        deemed, not_deemed = total_volume(inputs, parameters.deemed, "deemed", self.unit)
        self.excused, self.deemed = excused, deemed
        self.findings = [*not_excused, *not_deemed, *self._undated()]
        self.findings += unknown(inputs, parameters, self._agreed(self.segments[0]))
        self.drawn, self.expired = ZERO, ZERO

    def figures(self) -> tuple[Figure, ...]:
        """Make-up drawn in the period, what is left in the bank, and what ended."""
        unit = self.unit.lower()
        source = Source("carry", self.inputs.period.label, "bank of paid deficiencies")
        last = self._year(self.segments[-1])
        ends = Figure(
            f"ends_with_year_{unit}",
            self.bank.ending_with(last),
            self.unit,
            source,
            note=f"ends with contract year {last} unless it is made up",
        )
        return (
            Figure(f"make_up_{unit}", self.drawn, self.unit, source),
            Figure(f"bank_{unit}", self.bank.total, self.unit, source),
            Figure(f"expired_{unit}", self.expired, self.unit, source),
            ends,
        )

    def carry_out(self) -> dict[str, Any]:
        """Return what the next month has to know."""
        return (self.counter.carry_out() if self.yearly else {}) | self.bank.carry_out()

    def rows(self, part: BlockSegment, *, known: bool) -> list[Row]:
        """Return the rows of one segment; `known` is False while a volume or reading is missing."""
        cut = part.cut(self.inputs, self.series)
        quantity = energy.quantity_figures(self.inputs, cut, None, self.parameters)
        base = Figure("price", self.parameters.price, self.parameters.price_unit)
        base = replace(base, source=self.inputs.term.source("price"))
        year = self._year(part)
        price = self.growth.price(base, part.year)
        counted_from = part.counted_from if self.yearly else self.inputs.days_in_force()[0]
        self.counter.turn_to(counted_from)
        self.expired += self.bank.expire_before(year)
        if not known or quantity.value is None or self._before("delivered").value is None:
            empty = Figure("deficiency", None, self.unit, note="a volume is not known")
            return [Row(self.inputs.term.label, empty, price)]
        threshold, taken = self._threshold(part), self._taken(part, quantity)
        draws = self._draws(quantity, threshold, taken)
        rows = self._energy_rows(part, quantity, price, draws)
        self._count(part, quantity, draws)
        return [*rows, self._deficiency(part, year, threshold, taken, price)]

    def _year(self, part: BlockSegment) -> int:
        anchor = self.inputs.anchor_date
        return contract_year(anchor, part.first_day, self.parameters.contract_year)

    def _undated(self) -> list[Finding]:
        """Find volumes of a month in which the tested year turns: they belong to one of two."""
        volumes = (self.excused.value, self.deemed.value)
        if not self.yearly or len(self.segments) == 1 or not any(volumes):
            return []
        text = (
            f"the contract year turns inside {self.inputs.period.label}, and excused or deemed "
            "energy of the month cannot be given to one of the two years"
        )
        return [Finding("contracts.volume_undated", text, where="excused")]

    def _before(self, name: str) -> Figure:
        return replace(self.counter.before(name), name=f"{name}_before")

    def _ends(self, part: BlockSegment) -> bool:
        """Return True when the tested month or year ends with this segment."""
        if not self.yearly:
            return part == self.segments[-1]
        after = part.last_day + timedelta(days=1)
        rule = self.parameters.contract_year
        return contract_year(self.inputs.anchor_date, after, rule) > self._year(part)

    def _of_month(self, part: BlockSegment, figure: Figure) -> Figure:
        """Return a volume of the month in its first segment, and nothing in the others."""
        if part == self.segments[0]:
            return figure
        return Figure(figure.name, ZERO, self.unit, note="counted before")

    def _agreed(self, part: BlockSegment) -> Figure:
        """Return the agreed energy of the month or year, as the contract or the month states it."""
        agreed, source = (
            self.parameters.agreed_in(self._year(part)),
            self.inputs.term.source("agreed energy"),
        )
        figure = Figure("contract_quantity", agreed, self.unit, source)
        return number_of(self.inputs, self.parameters, figure)

    def _threshold(self, part: BlockSegment) -> Figure:
        """Return what has to be taken: share x agreed energy, less what is excused."""
        term, parameters = self.inputs.term, self.parameters
        figures = [
            Figure("take_ratio", parameters.take_ratio, "ratio", term.source("share to be taken")),
            self._agreed(part),
            self._before("excused"),
            self._of_month(part, self.excused),
        ]
        formula = "take_ratio * contract_quantity"
        days, month_days = in_month(self.inputs)
        shortened = parameters.part_month == "DAYS" and not parameters.of_month
        if not self.yearly and days != month_days and shortened:
            figures.append(days_figure(self.inputs, days))
            formula += f" * days / {month_days}"
        return Figure.computed(
            "to_be_taken",
            self.unit,
            f"max({formula} - excused_before - excused, 0)",
            *figures,
            round_to=(parameters.quantity_places, Mode.HALF_UP),
        )

    def _taken(self, part: BlockSegment, quantity: Figure) -> Figure:
        deemed = self._of_month(part, self.deemed)
        figures = (self._before("delivered"), self._before("deemed"), quantity, deemed)
        formula = f"delivered_before + deemed_before + {quantity.name} + deemed"
        return Figure.computed("taken", self.unit, formula, *figures)

    def _draws(self, quantity: Figure, threshold: Figure, taken: Figure) -> list[Paid]:
        """Draw energy above the threshold from the bank, oldest first."""
        above = taken.value - threshold.value - self._before("drawn").value
        return self.bank.draw(max(min(above, quantity.value, self.bank.total), ZERO))

    def _energy_rows(
        self, part: BlockSegment, quantity: Figure, price: Figure, draws: list[Paid]
    ) -> list[Row]:
        rows = []
        drawn = sum((one.quantity for one in draws), ZERO)
        self.drawn += drawn
        if self.parameters.energy_billed == "HERE":
            taken = Figure("made_up", drawn, self.unit, note="billed at the difference of prices")
            formula = f"{quantity.name} - made_up"
            figure = quantity
            if drawn:
                figure = Figure.computed("energy_at_price", self.unit, formula, quantity, taken)
            rows.append(Row(self._label(part, "energy"), figure, price))
        for one in draws:
            source = Source("carry", f"{one.year}", f"deficiency paid in contract year {one.year}")
            paid = Figure("price_paid", one.price, self.parameters.price_unit, source)
            formula = f"max({price.name} - price_paid, 0)"
            if self.parameters.energy_billed == "OTHER_TERMS":
                formula = f"-min({price.name}, price_paid)"
            rate = Figure.computed(
                "make_up_price", self.parameters.price_unit, formula, price, paid
            )
            made_up = Figure(f"made_up_of_year_{one.year}", one.quantity, self.unit, source)
            rows.append(Row(self._label(part, f"made up of year {one.year}"), made_up, rate))
        return rows

    def _count(self, part: BlockSegment, quantity: Figure, draws: list[Paid]) -> None:
        self.counter.add("delivered", quantity.value)
        self.counter.add("deemed", self._of_month(part, self.deemed).value)
        self.counter.add("excused", self._of_month(part, self.excused).value)
        self.counter.add("drawn", sum((one.quantity for one in draws), ZERO))

    def _deficiency(
        self, part: BlockSegment, year: int, threshold: Figure, taken: Figure, price: Figure
    ) -> Row:
        """Return the deficiency where the tested time ends; nothing before."""
        rate = self._deficiency_price(price)
        label = self._label(part, "deficiency")
        if not self._ends(part):
            note = "charged once, in the last month of the year"
            nothing = Figure("deficiency", ZERO, self.unit, Source("input", "", note), note=note)
            return Row(label, nothing, rate)
        owed = Figure.computed(
            "deficiency", self.unit, "max(to_be_taken - taken, 0)", threshold, taken
        )
        self.bank.pay(year, owed.value, rate.value)
        return Row(label, owed, rate)

    def _deficiency_price(self, price: Figure) -> Figure:
        unit, term = self.parameters.price_unit, self.inputs.term
        if self.parameters.pays == "FIXED_PRICE":
            own = self.parameters.deficiency_price
            return Figure("deficiency_price", own, unit, term.source("price of a deficiency"))
        if self.parameters.pays == "FULL_PRICE":
            return price
        avoided = Figure(
            "avoided_cost", self.parameters.avoided_cost, unit, term.source("avoided cost")
        )
        formula = f"max({price.name} - avoided_cost, 0)"
        return Figure.computed("deficiency_price", unit, formula, price, avoided)

    def _label(self, part: BlockSegment, what: str) -> str:
        dated = f" {part.first_day} to {part.last_day}" if len(self.segments) > 1 else ""
        return f"{self.inputs.term.label}, {what}{dated}"
