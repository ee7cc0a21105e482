"""Two runs of a contract month side by side: every line with its effects and its causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from settlement.calc.cause import CAUSES, Cause
from settlement.calc.causes import CausedDelta
from settlement.calc.delta import ZERO, Billed, Delta, Key, compare
from settlement.models import SettlementRun
from settlement.queries.carry import billed_lines
from settlement.queries.causes import causes_of_runs


@dataclass(frozen=True)
class ComparedLine:
    """One line in both runs; None where a run does not have it."""

    key: Key
    label: str
    unit: str
    before_quantity: Decimal | None
    after_quantity: Decimal | None
    before_usd: Decimal | None
    after_usd: Decimal | None
    volume_usd: Decimal = ZERO
    price_usd: Decimal = ZERO
    by_cause: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def amount_usd(self) -> Decimal:
        """New less old, in printed cents; a line that is not there counts as nothing billed."""
        return (self.after_usd or ZERO) - (self.before_usd or ZERO)


@dataclass(frozen=True)
class Comparison:
    """All lines of two runs, and the causes that moved any of them, in their order."""

    lines: tuple[ComparedLine, ...]
    causes: tuple[Cause, ...]

    @property
    def changed(self) -> tuple[ComparedLine, ...]:
        """The lines that some cause moved."""
        return tuple(line for line in self.lines if line.by_cause)

    def total(self, name: str) -> Decimal:
        """Return the sum of a column of amounts; empty ones count as nothing billed."""
        return sum((getattr(line, name) or ZERO for line in self.lines), ZERO)

    def total_of(self, cause: Cause) -> Decimal:
        """Return what a cause did to the bill."""
        return sum((line.by_cause.get(cause.key, ZERO) for line in self.lines), ZERO)

    def table(self) -> tuple[list[str], list[list]]:
        """Return head and rows of the comparison as a file."""
        head = ["line_code", "line", "first_date", "unit", "quantity_before", "quantity_now",
                "before", "now", "difference", "volume_effect", "price_effect"]  # fmt: skip
        rows = [
            [*line.key[:1], line.label, line.key[2], line.unit, line.before_quantity,
             line.after_quantity, line.before_usd, line.after_usd, line.amount_usd,
             line.volume_usd, line.price_usd,
             *(line.by_cause.get(one.key, ZERO) for one in CAUSES)]
            for line in self.lines
        ]  # fmt: skip
        return [*head, *(one.key.lower() for one in CAUSES)], rows


def compared(before: SettlementRun, after: SettlementRun) -> Comparison:
    """Return two runs of one contract month side by side; corrections of others are left out."""
    return side_by_side(
        billed_lines(before.pk), billed_lines(after.pk), causes_of_runs(before.pk, after.pk)
    )


def side_by_side(
    before: list[Billed], after: list[Billed], caused: list[CausedDelta]
) -> Comparison:
    """Put the lines of two runs beside each other, in the order of the newer one."""
    old, new = ({one.key: one for one in side} for side in (before, after))
    deltas = {one.key: one for one in compare(before, after)}
    causes = {one.key: one.by_cause for one in caused}
    lines = tuple(
        _line(key, old.get(key), new.get(key), deltas.get(key), causes.get(key, {}))
        for key in [*new, *(key for key in old if key not in new)]
    )
    moved = {name for line in lines for name in line.by_cause}
    return Comparison(lines, tuple(one for one in CAUSES if one.key in moved))


def _line(
    key: Key,
    old: Billed | None,
    new: Billed | None,
    delta: Delta | None,
    by_cause: Mapping[str, Decimal],
) -> ComparedLine:
    named = new or old
    return ComparedLine(
        key,
        named.label,
        named.unit,
        old.quantity if old else None,
        new.quantity if new else None,
        old.amount_usd if old else None,
        new.amount_usd if new else None,
        delta.volume_usd if delta else ZERO,
        delta.price_usd if delta else ZERO,
        by_cause,
    )
