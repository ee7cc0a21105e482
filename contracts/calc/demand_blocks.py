"""Marginal blocks of a demand price: what they are, what is wrong with them, what falls in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from contracts.charges._base import ChargeInputs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price as fixed_price
from poweroptix.kernel.parameters import param

MOST_BLOCKS = 50


def check_blocks(period: str, ends: Sequence[Decimal | None], unit: str = "kW") -> list[Finding]:
    """Blocks that do not rise, do not end open, or are too many; names the two blocks."""
    where, found = f"prices {period}", []
    if not ends:
        return [Finding("contracts.blocks", f"{period} has no block", where=where)]
    if len(ends) > MOST_BLOCKS:
        text = f"{period} has {len(ends)} blocks, at most {MOST_BLOCKS}"
        return [Finding("contracts.blocks", text, where=where)]
    if ends[-1] is not None:
        text = f"the last block of {period} ends at {ends[-1]} {unit}; it must have no end"
        found.append(Finding("contracts.blocks", text, where=where))
    for number, (low, high) in enumerate(pairwise(ends), start=1):
        if low is None:
            text = f"block {number} has no end, so block {number + 1} is never reached"
        elif high is not None and high <= low:
            text = f"block {number} ends at {low} {unit}, block {number + 1} at {high} {unit}"
        else:
            continue
        found.append(Finding("contracts.blocks", text, where=where))
    return found


@dataclass(frozen=True, kw_only=True)
class DemandBlock:
    """A marginal block of kW: from the end of the block before up to its own end."""

    up_to_kw: Decimal | None = param(
        default=None, required=False, unit="kW", minimum=Decimal(0), help="Empty in the last block."
    )
    rate: Decimal = param(unit="USD/kW-month", minimum=Decimal(-100_000), maximum=Decimal(100_000))

    def __post_init__(self) -> None:
        """Refuse a rate that fixed point cannot hold."""
        fixed_price(self.rate)


@dataclass(frozen=True, kw_only=True)
class DemandPrice:
    """Price of the peak of one period; ALL is the whole month and the one that ratchets."""

    period: str = param(default="ALL", help="ALL, or the name of a time-of-use period.")
    blocks: list[DemandBlock] = param(help="Marginal blocks, the last one without an end.")

    def __post_init__(self) -> None:
        """Refuse blocks that do not rise or do not end open."""
        findings = check_blocks(self.period, [block.up_to_kw for block in self.blocks])
        if findings:
            raise Refused("contracts.blocks", findings[0].message, findings=findings)


def block_figure(inputs: ChargeInputs, kw: Figure, below: Decimal, block: DemandBlock) -> Figure:
    """Return the kW that fall into one marginal block."""
    floor = Figure("from_kw", below, "kW", inputs.term.source("block"))
    if block.up_to_kw is None:
        return Figure.computed("block_kw", "kW", f"max({kw.name} - from_kw, 0)", kw, floor)
    top = Figure("up_to_kw", block.up_to_kw, "kW", inputs.term.source("block"))
    formula = f"max(min({kw.name}, up_to_kw) - from_kw, 0)"
    return Figure.computed("block_kw", "kW", formula, kw, top, floor)
