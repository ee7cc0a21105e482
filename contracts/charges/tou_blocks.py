"""Energy in blocks and time-of-use periods at once, by one of three conventions (TOU_BLOCK)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.calc import (
    block_words,
    energy,
    escalation,
    growth_words,
    losses,
    running_total,
    tou_periods,
    words,
)
from contracts.calc.billing_kw import missing_reading
from contracts.calc.checked import refuse
from contracts.calc.energy_blocks import BlockParameters, Blocks, BlockSegment, EnergyBlock
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Row, Worksheet

CONVENTION = {
    "PRORATA": "The energy of the month is put into the blocks, and each block is spread over the "
    "periods by their part of the month",
    "CHRONOLOGICAL": "A running total of the energy in time order decides the block of each "
    "interval",
    "PER_PERIOD": "Each period has blocks of its own, which its own energy fills",
}


@dataclass(frozen=True, kw_only=True)
class PeriodBlocks:
    """The blocks of one time-of-use period."""

    period: str = param(help="Name of the period in the calendar, for example ON.")
    blocks: list[EnergyBlock] = param(help="Blocks in order, the last one without an end.")


@dataclass(frozen=True)
class Share:
    """Energy of one period in one block, before it is priced."""

    period: str
    number: int
    quantity: Figure


@charge_types.register("tou_blocks@1")
class TouBlocks(ChargeType):
    """Sum over periods and blocks of energy x price; the convention decides what falls where."""

    title = "Energy in blocks by time of use"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(BlockParameters):
        """Calendar, convention, and the blocks of each period."""

        calendar: str = param(help="Code of the time-of-use calendar.")
        convention: str = param(
            choices=("PRORATA", "CHRONOLOGICAL", "PER_PERIOD"),
            help="PRORATA spreads each block over the periods by their energy; CHRONOLOGICAL "
            "fills the blocks in time order; PER_PERIOD has blocks of its own in each period.",
        )
        periods: list[PeriodBlocks] = param(help="The blocks of each period of the calendar.")

        def __post_init__(self) -> None:
            """Refuse blocks out of order, and unlike bounds where the periods share them."""
            for name in tou_periods.repeated(row.period for row in self.periods):
                refuse("periods", f"{name} has two prices", "contracts.price_twice")
            if not self.periods:
                refuse("periods", "no period is given", "contracts.no_price")
            for row in self.periods:
                self.check_blocks("periods", row.blocks)
            ends = {
                tuple((one.up_to, one.up_to_hours) for one in row.blocks) for row in self.periods
            }
            if len(ends) > 1 and self.convention != "PER_PERIOD":
                refuse("periods", f"{self.convention} needs the same bounds in all periods")
            if self.convention == "CHRONOLOGICAL" and self.volume == "REACHED":
                refuse("volume", "a running total gives each interval its own block")
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return calendar, indices of the prices and quantities of the billing kW."""
        return Needs(
            series=parameters.other_quantities(),
            calendars=(parameters.calendar,),
            histories=escalation.indices(parameters),
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        prices = "; ".join(
            f"{row.period} {block_words.blocks(row.blocks, parameters)}"
            for row in parameters.periods
        )
        when = tou_periods.said(parameters.calendar, context)
        return (
            f"{words.priced(context)} in blocks by time of use{losses.said(parameters)}: {prices}"
            f"{words.since(context, parameters)}{growth_words.growth(parameters, context)}. "
            f"{CONVENTION[parameters.convention]}. {block_words.counted(parameters, context)} "
            f"{when} " + words.rounding(parameters.quantity_places, unit, parameters.line_per)
        )

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Every period of the calendar has blocks, and prices stay in bounds."""
        code, named = parameters.calendar, [row.period for row in parameters.periods]
        found = tou_periods.unpriced(code, named, context, "periods")
        found += tou_periods.unknown(code, named, context, "periods")
        for row in parameters.periods:
            for block in row.blocks:
                where = f"periods {row.period}"
                found += escalation.check_growth(block.price, parameters, context, where)
        return found

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per period and block with energy in it, for each price of the period."""
        series = inputs.quantity()
        gap = missing_reading(inputs, series, parameters.billing_kw)
        if gap:
            return self._empty(inputs, parameters, series, gap), dict(carry_in)
        blocks = Blocks(inputs, parameters, series, carry_in)
        rows: list[Row] = []
        for at, part in enumerate(blocks.segments):
            blocks.counter.turn_to(part.counted_from)
            rest = [one for one in blocks.segments[at:] if one.counted_from == part.counted_from]
            shares = _Shares(inputs, parameters, blocks, series)
            for share in shares.of(part, rest):
                prices = shares.blocks_of(share.period)
                name = f"price_{energy.name_of(share.period)}_block_{share.number}"
                rate = blocks.rate(name, prices[share.number - 1].price, part)
                label = blocks.label(part, share.period, f"block {share.number}")
                rows.append(Row(label, share.quantity, rate))
        sheet = inputs.worksheet(
            rows, figures=blocks.figures, findings=blocks.findings, line_per=parameters.line_per
        )
        return sheet, blocks.carry_out()

    @staticmethod
    def _empty(inputs: ChargeInputs, parameters: Any, series: Series, gap: Finding) -> Worksheet:
        """Return a worksheet without an amount: nobody knows which block the gap reaches."""
        quantity = energy.quantity_figures(inputs, series, None, parameters)
        price = parameters.periods[0].blocks[0].price
        rate = Figure("price", price, parameters.price_unit, inputs.term.source("price"))
        return inputs.worksheet(
            (Row(inputs.term.label, quantity, rate),), findings=(gap,), line_per=parameters.line_per
        )


class _Shares:
    """What falls into which block of which period, by the convention of the term."""

    def __init__(
        self, inputs: ChargeInputs, parameters: Any, blocks: Blocks, series: Series
    ) -> None:
        self.inputs, self.parameters, self.blocks, self.series = inputs, parameters, blocks, series
        self.calendar = inputs.calendar(parameters.calendar)

    def blocks_of(self, period: str) -> Sequence[EnergyBlock]:
        """Return the blocks of a period. Refused when it has none."""
        for row in self.parameters.periods:
            if row.period == period:
                return row.blocks
        text = f"{period} has no price; name its blocks"
        raise Refused("contracts.period_unpriced", text)

    def of(self, part: BlockSegment, rest: Sequence[BlockSegment]) -> list[Share]:
        """Return the shares with energy in them; the first one when there is none at all.

        `rest` are this and the later segments of the same count.
        """
        energies = self._energies(part)
        if self.parameters.convention == "PER_PERIOD":
            later = [self._energies(one) for one in rest]
            shares = list(self._per_period(energies, later))
        elif self.parameters.convention == "PRORATA":
            later = [self._energies(one) for one in rest]
            total = sum((one.value for each in later for one in each.values()), Decimal(0))
            shares = list(self._prorata(energies, total))
        else:
            shares = list(self._chronological(part, energies))
        return [one for one in shares if one.quantity.value != 0] or shares[:1]

    def _energies(self, part: BlockSegment) -> dict[str, Figure]:
        """Return the printed energy of each period that occurs in a segment."""
        cut = part.cut(self.inputs, self.series)
        names, index = self.calendar.schedule.periods(cut.grid, set(self.calendar.holidays))
        found = {}
        for number, name in enumerate(names):
            chosen = index == number
            if chosen.any():
                figure = energy.quantity_figures(self.inputs, cut, chosen, self.parameters)
                found[name] = replace(figure, name=self._named(name))
        return found

    def _named(self, *parts: str) -> str:
        return "_".join([*map(energy.name_of, parts), self.blocks.unit.lower()])

    def _per_period(
        self, energies: Mapping[str, Figure], later: Sequence[Mapping[str, Figure]]
    ) -> Iterator[Share]:
        for name, quantity in energies.items():
            bounds = self.blocks.bounds(self.blocks_of(name))
            before = self.blocks.counter.before(name)
            total = sum((one[name].value for one in later if name in one), Decimal(0))
            for number, tier in enumerate(self.blocks.tiers(bounds, before, quantity, total), 1):
                yield Share(name, number, tier)
            self.blocks.counter.add(name, quantity.value)

    def _prorata(self, energies: Mapping[str, Figure], of_month: Decimal) -> Iterator[Share]:
        names = list(energies)
        figures = list(energies.values())
        formula = " + ".join(one.name for one in figures)
        total = Figure.computed(
            f"all_{self.blocks.unit.lower()}", self.blocks.unit, formula, *figures
        )
        bounds = self.blocks.bounds(self.blocks_of(names[0]))
        tiers = self.blocks.tiers(bounds, self.blocks.counter.before("ALL"), total, of_month)
        places = (self.parameters.quantity_places, Mode.HALF_UP)
        for number, tier in enumerate(tiers, start=1):
            for name in names:
                if len(names) == 1 or not total.value:
                    yield Share(name, number, tier)
                    continue
                share = Figure.computed(
                    self._named(name, f"block {number}"),
                    self.blocks.unit,
                    f"{tier.name} * {energies[name].name} / {total.name}",
                    tier,
                    energies[name],
                    total,
                    round_to=places,
                )
                yield Share(name, number, share)
        self.blocks.counter.add("ALL", total.value)

    def _chronological(self, part: BlockSegment, energies: Mapping[str, Figure]) -> Iterator[Share]:
        cut = part.cut(self.inputs, self.series)
        names, index = self.calendar.schedule.periods(cut.grid, set(self.calendar.holidays))
        divisor = energy.PRICE_UNITS[self.parameters.price_unit].divisor
        per_value = losses.loss_factor(self.parameters) / (MICRO * divisor)
        before = self.blocks.counter.before("ALL")
        bounds = self.blocks.bounds(self.blocks_of(next(iter(energies))))
        below = [Fraction(0)] * len(names)
        for number, bound in enumerate(bounds, start=1):
            if before.value is None:
                unknown = Figure(self._named("block 1"), None, self.blocks.unit, before.source)
                yield Share(names[0], 1, unknown)
                break
            left = None
            if bound is not None:
                left = max(Fraction(bound.value) - Fraction(before.value), Fraction(0)) / per_value
            upto = running_total.below(cut.values, index, len(names), left)
            for at, name in enumerate(names):
                if name in energies:
                    value = (upto[at] - below[at]) * per_value
                    yield Share(name, number, self._filled(name, number, value, cut, bounds))
            below = upto
        total = sum((one.value for one in energies.values()), Decimal(0))
        self.blocks.counter.add("ALL", total)

    def _filled(
        self,
        name: str,
        number: int,
        value: Fraction,
        cut: Series,
        bounds: Sequence[Figure | None],
    ) -> Figure:
        """Return the energy of a period while the running total lay in a block."""
        low = "0" if number == 1 else f"{bounds[number - 2].value:f}"
        high = "any" if bounds[number - 1] is None else f"{bounds[number - 1].value:f}"
        source = Source(
            "readings",
            cut.digest(),
            f"{self.inputs.term.quantity_name} in {name} hours while the running total was from "
            f"{low} to {high} {self.blocks.unit}",
        )
        quantity = to_places(value, self.parameters.quantity_places, Mode.HALF_UP)
        return Figure(self._named(name, f"block {number}"), quantity, self.blocks.unit, source)
