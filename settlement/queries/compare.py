"""Two runs of a contract month side by side: every line with its effects and its causes.

Own lines come first, with the causes that moved them; behind them stand the corrections of earlier
months (lines 70) that either run bills, so that the columns add up to the totals of the runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.cause import CAUSES, Cause, correction_of
from settlement.calc.causes import CausedDelta
from settlement.calc.delta import ZERO, Billed, Delta, Key, compare, numbered
from settlement.calc.settle import EFFECTS
from settlement.models import Line, SettlementRun
from settlement.queries.carry import billed_lines
from settlement.queries.causes import causes_of_runs


@dataclass(frozen=True)
class ComparedLine:
    """One line in both runs; None where a run does not have it.

    `corrects_period` is the earlier month that a line 70 corrects, empty with an own line.
    """

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
    corrects_period: str = ""

    @property
    def reason(self) -> str:
        """Why a line 70 differs, in words; an own line has its causes for it."""
        changed = self.corrects_period and self.by_cause
        return f"correction of {self.corrects_period}" if changed else ""

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
    def corrections(self) -> tuple[ComparedLine, ...]:
        """The corrections of earlier months that one of the runs bills, or both."""
        return tuple(line for line in self.lines if line.corrects_period)

    @property
    def is_own_changed(self) -> bool:
        """Whether some cause moved a line of the month itself."""
        return any(not line.corrects_period for line in self.changed)

    @property
    def corrected_otherwise(self) -> list[str]:
        """The earlier months whose corrections differ between the two runs, in order."""
        return sorted({line.corrects_period for line in self.corrections if line.by_cause})

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
             *(line.by_cause.get(one.key, ZERO) for one in CAUSES),
             line.amount_usd if line.reason else ZERO, line.corrects_period, line.reason]
            for line in self.lines
        ]  # fmt: skip
        causes = [one.key.lower() for one in CAUSES]
        return [*head, *causes, "correction", "corrects_period", "reason"], rows


def compared(before: SettlementRun, after: SettlementRun) -> Comparison:
    """Return two runs of one contract month side by side, with what each bills for earlier ones."""
    own = side_by_side(
        billed_lines(before.pk), billed_lines(after.pk), causes_of_runs(before.pk, after.pk)
    )
    lines = (*own.lines, *_corrections(before.pk, after.pk))
    found = replace(own, lines=lines)
    return replace(
        found, causes=(*own.causes, *(correction_of(one) for one in found.corrected_otherwise))
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


def _corrections(before_id: int, after_id: int) -> list[ComparedLine]:
    """Return the lines 70 of two runs side by side, by the month that they correct."""
    rows = Line.objects.filter(run__in=[before_id, after_id], corrects_run__isnull=False)
    sides: dict[int, list[Line]] = {before_id: [], after_id: []}
    for row in rows.order_by("corrects_period", "position"):
        sides[row.run_id].append(row)
    old, new = (_by_key(sides[pk]) for pk in (before_id, after_id))
    found = [
        _correction(key, old.get(key), new.get(key))
        for key in [*new, *(key for key in old if key not in new)]
    ]
    return sorted(found, key=lambda one: one.corrects_period)


def _by_key(rows: list[Line]) -> dict[Key, Line]:
    keys = numbered((row.line_code, row.label, row.first_date.isoformat()) for row in rows)
    return dict(zip(keys, rows, strict=True))


def _correction(key: Key, old: Line | None, new: Line | None) -> ComparedLine:
    """Return one correction in both runs; its effects are those that its line says."""
    named = new or old
    was, now = (_effects(row) for row in (old, new))
    changes = {name: now[name] - was[name] for name in now}
    line = ComparedLine(
        key,
        named.label,
        named.unit,
        old.quantity if old else None,
        new.quantity if new else None,
        old.amount_usd if old else None,
        new.amount_usd if new else None,
        **changes,
        corrects_period=named.corrects_period,
    )
    cause = correction_of(line.corrects_period).key
    return replace(line, by_cause={cause: line.amount_usd}) if line.amount_usd else line


def _effects(row: Line | None) -> dict[str, Decimal]:
    """Return the volume and the price effect of a line 70; a line that is not there has none."""
    rows = () if row is None else Worksheet.from_json(row.worksheet).rows
    said = {one.label: one.exact_usd for one in rows}
    return {name: said.get(label, ZERO) for label, name, _note in EFFECTS}
