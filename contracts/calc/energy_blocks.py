"""Blocks of energy: their bounds, what falls into each, and at which price (BLOCK_*)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from contracts.calc import energy, escalation, losses
from contracts.calc.billing_kw import BillingKw, BillingKwParameters, other_quantities
from contracts.calc.block_counter import BlockCounter, block_year
from contracts.calc.checked import refuse
from contracts.calc.days import days_figure, in_month
from contracts.calc.demand_blocks import check_blocks
from contracts.calc.escalation import Segment
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.fixed import price as fixed_price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class EnergyBlock:
    """A block: from the end of the one before up to its own end."""

    up_to: Decimal | None = param(
        default=None,
        required=False,
        unit="quoted unit",
        minimum=Decimal(0),
        help="End as a quantity; empty in the last block.",
    )
    up_to_hours: Decimal | None = param(
        default=None,
        required=False,
        unit="kWh/kW",
        minimum=Decimal(0),
        help="End per kW of billing demand (hours of use); with both ends the lower one counts.",
    )
    price: Decimal = param(unit="quoted unit", minimum=-MILLION, maximum=MILLION)

    def __post_init__(self) -> None:
        """Refuse a price that fixed point cannot hold."""
        fixed_price(self.price)

    @property
    def is_open(self) -> bool:
        """Whether the block has no end."""
        return self.up_to is None and self.up_to_hours is None


def check_ends(field: str, blocks: Sequence[EnergyBlock], unit: str) -> None:
    """Refuse blocks that do not rise or do not end open, at their field."""
    if blocks and not blocks[-1].is_open:
        refuse(field, "the last block must have no end", "contracts.blocks")
    for number, block in enumerate(blocks[:-1], start=1):
        if block.is_open:
            text = f"block {number} has no end, so block {number + 1} is never reached"
            refuse(field, text, "contracts.blocks")
    ends = [block.up_to for block in blocks if block.up_to is not None]
    hours = [block.up_to_hours for block in blocks if block.up_to_hours is not None]
    within = [end for end, _same in groupby(hours)]  # blocks may lie within the same hours of use
    for values, of in ((ends, unit), (within, "kWh/kW")):
        for finding in check_blocks(field, [*values, None] if blocks else [], of):
            refuse(field, finding.message, finding.code)


@dataclass(frozen=True, kw_only=True)
class BlockParameters(
    energy.QuantityParameters, escalation.EscalatorParameters, losses.LossParameters
):
    """What blocks count, since when, and what the price of a reached block covers."""

    counts: str = param(
        choices=("MONTH", "CONTRACT_YEAR"),
        help="MONTH: the energy of the month; CONTRACT_YEAR: of the contract year to date.",
    )
    volume: str = param(
        choices=("MARGINAL", "REACHED"),
        help="MARGINAL: each block at its price; REACHED: all energy of the month at the price of "
        "the block that is reached.",
    )
    part_month: str = param(
        choices=("DAYS", "WHOLE"),
        help="Bounds of a part month: its days over the days of the month, or whole.",
    )
    resets_on: date | None = param(
        default=None,
        required=False,
        help="First day of a year of the blocks, when it is not the contract year.",
    )
    ends_per: str = param(
        default="MONTH",
        choices=("MONTH", "DAY"),
        help="DAY: the ends are stated for a day and count times the days in force.",
    )
    billing_kw: BillingKwParameters | None = param(
        default=None, required=False, help="Billing kW that hours of use are measured by."
    )

    def __post_init__(self) -> None:
        """Refuse ends of a day where the count runs through a year."""
        if self.ends_per == "DAY" and self.counts != "MONTH":
            refuse("ends_per", "ends of a day need blocks that count the energy of a month")
        super().__post_init__()

    def check_blocks(self, field: str, blocks: Sequence[EnergyBlock]) -> None:
        """Refuse blocks that are out of order, or that need billing kW that nobody defines."""
        check_ends(field, blocks, energy.PRICE_UNITS[self.price_unit].quoted_unit)
        if any(block.up_to_hours is not None for block in blocks) and self.billing_kw is None:
            refuse("billing_kw", "hours of use need the billing kW that they are measured by")

    def other_quantities(self) -> tuple[str, ...]:
        """Return the names of the quantities that the billing kW need."""
        return () if self.billing_kw is None else other_quantities(self.billing_kw)


@dataclass(frozen=True)
class BlockSegment:
    """Days with one price and one count: the contract year of the price, the day counted from."""

    first_day: date
    last_day: date
    year: int
    counted_from: date

    def cut(self, inputs: ChargeInputs, series: Series) -> Series:
        """Return the intervals that begin on these days."""
        start = inputs.period.day_bounds(self.first_day)[0]
        return series.slice(start, inputs.period.day_bounds(self.last_day)[1])


class Blocks:
    """The blocks of one term in one period. Every reading is there: the caller has asked."""

    def __init__(
        self,
        inputs: ChargeInputs,
        terms: BlockParameters,
        series: Series,
        carry: Mapping[str, Any],
    ) -> None:
        self.inputs, self.terms = inputs, terms
        self.yearly = terms.counts == "CONTRACT_YEAR"
        self.unit = energy.PRICE_UNITS[terms.price_unit].quoted_unit
        self.counter = BlockCounter(inputs, carry if self.yearly else {}, self.unit)
        self.kw = BillingKw(inputs, series, terms.billing_kw, carry) if terms.billing_kw else None
        self.growth = escalation.Escalation(inputs, terms)
        self.segments = block_segments(
            inputs, self.growth, terms, yearly=self.yearly, resets_on=terms.resets_on
        )

    @property
    def findings(self) -> tuple[Any, ...]:
        """What was found about prices, counts and kW."""
        kw = self.kw.findings if self.kw else []
        return (*self.growth.findings, *self.counter.findings, *kw)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The billing kW that hours of use are measured by."""
        return (self.kw.billed,) if self.kw else ()

    def carry_out(self) -> dict[str, Any]:
        """Return what the next month has to know."""
        counted = self.counter.carry_out() if self.yearly else {}
        return counted | (self.kw.carry_out() if self.kw else {})

    def label(self, segment: BlockSegment, *words: str) -> str:
        """Return the label of a row: the line, what it is about, and its days when several."""
        text = ", ".join([self.inputs.term.label, *words])
        if len(self.segments) == 1:
            return text
        return f"{text} {Segment(segment.first_day, segment.last_day, segment.year).text()}"

    def rate(self, name: str, price: Decimal, segment: BlockSegment) -> Figure:
        """Return the price of a block in a segment."""
        source = self.inputs.term.source(name.replace("_", " "))
        base = Figure(name, price, self.terms.price_unit, source)
        return self.growth.price(base, segment.year)

    def bounds(self, blocks: Sequence[EnergyBlock]) -> list[Figure | None]:
        """Return where each block ends, never before the one below it; None for the open one."""
        found: list[Figure | None] = []
        for block in blocks:
            end = None if block.is_open else self._end(block)
            below = found[-1] if found else None
            if end is not None and below is not None and end.value < below.value:
                end = below
            found.append(end)
        return found

    def tiers(
        self, bounds: Sequence[Figure | None], before: Figure, quantity: Figure, total: Decimal
    ) -> list[Figure]:
        """Return what of a quantity falls into each block.

        `before` was counted already, `total` is what the month counts to its end.
        """
        if quantity.value is not None and quantity.value < 0:
            text = f"{self.inputs.term.label}: blocks cannot take {quantity.text()}"
            raise Refused("contracts.quantity_negative", text)
        if self.terms.volume == "REACHED":
            return self._reached(bounds, before, quantity, total)
        found, below = [], None
        for number, end in enumerate(bounds, start=1):
            found.append(self._tier(number, below, end, before, quantity))
            below = end
        return found

    def _tier(
        self, number: int, below: Figure | None, end: Figure | None, before: Figure, of: Figure
    ) -> Figure:
        counts_before = before.value is None or before.value != 0
        high = f"{before.name} + {of.name}" if counts_before else of.name
        low = before.name if counts_before else "0"
        inputs = [of, before] if counts_before else [of]
        if end is not None:
            high = f"min({high}, up_to_quantity)"
            inputs.append(replace(end, name="up_to_quantity"))
        if below is not None:
            low = f"max({before.name}, from_quantity)" if counts_before else "from_quantity"
            inputs.append(replace(below, name="from_quantity"))
        name = f"block_{number}_{self.unit.lower()}"
        if low == "0" and end is None:
            return Figure.computed(name, self.unit, of.name, of)
        text = high if low == "0" else f"max({high} - {low}, 0)"
        return Figure.computed(name, self.unit, text, *inputs)

    def _reached(
        self, bounds: Sequence[Figure | None], before: Figure, of: Figure, total: Decimal
    ) -> list[Figure]:
        """Return the whole quantity in the block that the count reaches, nothing in the others."""
        if before.value is None or of.value is None:
            note = "the block that is reached is not known"
            return [Figure(f"block_1_{self.unit.lower()}", None, self.unit, note=note)]
        place = next(
            at for at, end in enumerate(bounds) if end is None or before.value + total <= end.value
        )
        note = f"the count of {before.value + total:f} {self.unit} lies in this block"
        return [
            Figure.computed(
                f"block_{at + 1}_{self.unit.lower()}", self.unit, of.name, of, note=note
            )
            if at == place
            else Figure(f"block_{at + 1}_{self.unit.lower()}", Decimal(0), self.unit)
            for at in range(len(bounds))
        ]

    def _end(self, block: EnergyBlock) -> Figure:
        """Return the end of a block as a quantity, for the days of a part month."""
        term = self.inputs.term
        figures, texts = [], []
        if block.up_to is not None:
            figures.append(Figure("block_end", block.up_to, self.unit, term.source("block")))
            texts.append("block_end")
        if block.up_to_hours is not None:
            hours = Figure("hours_of_use", block.up_to_hours, "kWh/kW", term.source("block"))
            figures += [hours, self.kw.billed]
            divisor = energy.PRICE_UNITS[self.terms.price_unit].divisor
            text = f"{hours.name} * {self.kw.billed.name}"
            texts.append(text if divisor == 1 else f"{text} / {divisor}")
        formula = texts[0] if len(texts) == 1 else f"min({', '.join(texts)})"
        days, month_days = in_month(self.inputs)
        daily = self.terms.ends_per == "DAY"
        shortened = days != month_days and not self.yearly and self.terms.part_month == "DAYS"
        if daily or shortened:
            figures.append(days_figure(self.inputs, days))
            formula = f"{formula} * days" + ("" if daily else f" / {month_days}")
        if formula == "block_end":
            return figures[0]
        places = (self.terms.quantity_places, Mode.HALF_UP)
        return Figure.computed("up_to_quantity", self.unit, formula, *figures, round_to=places)


def block_segments(
    inputs: ChargeInputs,
    growth: escalation.Escalation,
    terms: escalation.EscalatorParameters,
    *,
    yearly: bool,
    resets_on: date | None = None,
) -> list[BlockSegment]:
    """Days in force, cut where a price turns, or with `yearly` where the counted year does."""
    days = inputs.days_in_force()
    years = {
        day: part.year
        for part in growth.segments
        for day in days
        if part.first_day <= day <= part.last_day
    }
    counted = dict.fromkeys(days, days[0])
    if yearly:
        year = block_year(inputs, resets_on, terms.contract_year)
        counted = {day: year.first_day(day) for day in days}
    found = []
    for (price_year, since), group in groupby(days, key=lambda day: (years[day], counted[day])):
        run = list(group)
        found.append(BlockSegment(run[0], run[-1], price_year, since))
    return found
