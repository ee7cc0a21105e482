"""Energy in blocks, by the month or the contract year to date (BLOCK_MONTH, _YEAR, _HOURS_USE)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import block_words, energy, escalation, growth_words, losses, words
from contracts.calc.billing_kw import missing_reading
from contracts.calc.energy_blocks import BlockParameters, Blocks, BlockSegment, EnergyBlock
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("block_energy@1")
class BlockEnergy(ChargeType):
    """Energy at the price of the block it falls into; a turn of price keeps one common count."""

    title = "Energy in blocks"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(BlockParameters):
        """The blocks, beside what they count."""

        blocks: list[EnergyBlock] = param(help="Blocks in order, the last one without an end.")

        def __post_init__(self) -> None:
            """Refuse blocks that do not rise or do not end open."""
            self.check_blocks("blocks", self.blocks)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the indices of the prices and the quantities of the billing kW."""
        return Needs(series=parameters.other_quantities(), histories=escalation.indices(parameters))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        prices = block_words.blocks(parameters.blocks, parameters)
        return (
            f"{words.priced(context)} in blocks{losses.said(parameters)}: {prices}"
            f"{words.since(context, parameters)}{growth_words.growth(parameters, context)}. "
            f"{block_words.counted(parameters, context)} "
            + words.rounding(parameters.quantity_places, unit, parameters.line_per)
        )

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find prices that leave their bounds, and a year of blocks without a first day."""
        found = []
        for number, block in enumerate(parameters.blocks, start=1):
            where = f"blocks {number}"
            found += escalation.check_growth(block.price, parameters, context, where)
        yearly = parameters.counts == "CONTRACT_YEAR" and parameters.resets_on is None
        if yearly and context.anchor_date is None:
            text = "blocks of a contract year need the first day of contract year 1"
            found.append(Finding("contracts.no_anchor", text, where="counts"))
        return found

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per block that is reached, for each price of the period."""
        series = inputs.quantity()
        gap = missing_reading(inputs, series, parameters.billing_kw)
        if gap:
            return self._empty(inputs, parameters, series, gap), dict(carry_in)
        blocks = Blocks(inputs, parameters, series, carry_in)
        bounds = blocks.bounds(parameters.blocks)
        parts = [
            (part, energy.quantity_figures(inputs, part.cut(inputs, series), None, parameters))
            for part in blocks.segments
        ]
        rows: list[Row] = []
        for at, (part, quantity) in enumerate(parts):
            blocks.counter.turn_to(part.counted_from)
            before = blocks.counter.before("ALL")
            rest = [
                one.value for later, one in parts[at:] if later.counted_from == part.counted_from
            ]
            tiers = blocks.tiers(bounds, before, quantity, sum(rest, Decimal(0)))
            rows += self._rows(parameters, blocks, part, tiers)
            blocks.counter.add("ALL", quantity.value)
        sheet = inputs.worksheet(
            rows, figures=blocks.figures, findings=blocks.findings, line_per=parameters.line_per
        )
        return sheet, blocks.carry_out()

    @staticmethod
    def _rows(
        parameters: Any, blocks: Blocks, part: BlockSegment, tiers: list[Figure]
    ) -> list[Row]:
        """Return a row per block with energy in it; the first one when there is none at all."""
        rows = [
            Row(
                blocks.label(part, f"block {number}"),
                tier,
                blocks.rate(f"price_block_{number}", block.price, part),
            )
            for number, (tier, block) in enumerate(
                zip(tiers, parameters.blocks, strict=False), start=1
            )
        ]
        return [row for row in rows if row.quantity.value != 0] or rows[:1]

    @staticmethod
    def _empty(inputs: ChargeInputs, parameters: Any, series: Series, gap: Finding) -> Worksheet:
        """Return a worksheet without an amount: nobody knows which block the gap reaches."""
        quantity = energy.quantity_figures(inputs, series, None, parameters)
        rate = Figure("price_block_1", parameters.blocks[0].price, parameters.price_unit)
        return inputs.worksheet(
            (Row(inputs.term.label, quantity, rate),), findings=(gap,), line_per=parameters.line_per
        )
