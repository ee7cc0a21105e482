"""Two runs of a contract month side by side: every line with its effects and its causes.

Own lines come first, with the causes that moved them; behind them stand the corrections of earlier
months (lines 70) that either run bills, so that the columns add up to the totals of the runs. A
line that lacks its amount in one of them has no difference, and neither has the bill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.cause import CAUSES, Cause, correction_of
from settlement.calc.causes import CausedDelta
from settlement.calc.cut_lines import days_words, made_alike
from settlement.calc.delta import ZERO, Billed, Delta, Key, differences, quantity_before
from settlement.calc.settle import EFFECTS
from settlement.models import Line, SettlementRun
from settlement.queries.carry import as_billed, keys_of
from settlement.queries.causes import causes_of_runs

#: The columns of amounts, whose sums stand in the totals row.
SUMMED = ("before_usd", "after_usd", "amount_usd", "volume_usd", "price_usd")


@dataclass(frozen=True)
class ComparedLine:
    """One line in both runs; None where a run does not have it.

    `corrects_period` is the earlier month that a line 70 corrects, empty with an own line.
    `when` is the end of the label that says which part of the month it is for, where it is one of
    several or the sum of them. `is_unpriced`: a run has the line, but something is missing for
    its amount.
    """

    key: Key
    label: str
    unit: str
    before_quantity: Decimal | None
    after_quantity: Decimal | None
    before_usd: Decimal | None
    after_usd: Decimal | None
    volume_usd: Decimal | None = ZERO
    price_usd: Decimal | None = ZERO
    by_cause: Mapping[str, Decimal] = field(default_factory=dict)
    corrects_period: str = ""
    is_unpriced: bool = False
    when: str = ""

    @property
    def reason(self) -> str:
        """Why a line 70 differs, in words; an own line has its causes for it."""
        changed = self.corrects_period and self.by_cause
        return f"correction of {self.corrects_period}" if changed else ""

    @property
    def amount_usd(self) -> Decimal | None:
        """New less old, in printed cents; a line that is not there counts as nothing billed."""
        return None if self.is_unpriced else (self.after_usd or ZERO) - (self.before_usd or ZERO)

    @property
    def is_other(self) -> bool:
        """Whether amount, effects or quantity differ, or cannot be told."""
        return bool(
            self.is_unpriced
            or self.amount_usd
            or self.volume_usd
            or self.before_quantity != self.after_quantity
        )


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

    @property
    def other(self) -> Comparison:
        """The lines that are not the same in both runs."""
        return replace(self, lines=tuple(line for line in self.lines if line.is_other))

    @property
    def same(self) -> Comparison:
        """The lines that are the same in both runs."""
        return replace(self, lines=tuple(line for line in self.lines if not line.is_other))

    def sums(self) -> dict[str, Decimal | None]:
        """Return the sum of every column of amounts, by its name.

        A line that a run does not have counts as nothing billed; a column in which an amount is
        missing has no sum.
        """
        return {name: self._sum(name) for name in SUMMED}

    def _sum(self, name: str) -> Decimal | None:
        if any(getattr(line, name) is None and line.is_unpriced for line in self.lines):
            return None
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
    """Return two runs of one contract month side by side, with the causes of every difference."""
    found = beside(before, after, causes_of_runs(before.pk, after.pk))
    return replace(
        found, causes=(*found.causes, *(correction_of(one) for one in found.corrected_otherwise))
    )


def beside(
    before: SettlementRun, after: SettlementRun, caused: Sequence[CausedDelta] = ()
) -> Comparison:
    """Return every line of two runs of one contract month, with what each bills for earlier ones.

    The columns add up to the totals of the runs, to the cent. `caused` are the causes of the own
    lines; without them nothing is settled again.
    """
    rows = Line.objects.filter(run__in=[before.pk, after.pk]).order_by(
        "corrects_period", "position"
    )
    sides = [[one for one in rows if one.run_id == run.pk] for run in (before, after)]
    own = (as_billed([one for one in side if one.corrects_run_id is None]) for side in sides)
    others = ([one for one in side if one.corrects_run_id is not None] for side in sides)
    found = side_by_side(*own, caused)
    return replace(found, lines=(*found.lines, *_corrections(*others)))


def side_by_side(
    before: Sequence[Billed], after: Sequence[Billed], caused: Sequence[CausedDelta]
) -> Comparison:
    """Put the lines of two runs beside each other, in the order of the newer one.

    A line that is cut on other days in the two runs stands there once, whole.
    """
    before, after = made_alike(before, after)
    old, new = ({one.key: one for one in side} for side in (before, after))
    deltas = {one.key: one for one in differences(_priced(before), _priced(after))}
    causes = {one.key: one.by_cause for one in caused}
    lines = tuple(
        _line(key, old.get(key), new.get(key), deltas.get(key), causes.get(key, {}))
        for key in [*new, *(key for key in old if key not in new)]
    )
    lines = tuple(_dated(line, lines) for line in lines)
    moved = {name for line in lines for name in line.by_cause}
    return Comparison(lines, tuple(one for one in CAUSES if one.key in moved))


def _dated(line: ComparedLine, lines: Sequence[ComparedLine]) -> ComparedLine:
    """Return a line with its first day in the label where another part of the month has it too."""
    days = {one.key[2] for one in lines if one.key[:2] == line.key[:2]}
    return line if len(days) < 2 else _saying(line, f", from {line.key[2]}")


def _saying(line: ComparedLine, when: str) -> ComparedLine:
    return replace(line, label=line.label + when, when=when)


def _line(
    key: Key,
    old: Billed | None,
    new: Billed | None,
    delta: Delta | None,
    by_cause: Mapping[str, Decimal],
) -> ComparedLine:
    named = new or old
    line = ComparedLine(
        key,
        named.label,
        named.unit,
        quantity_before(old, new),
        new.quantity if new else None,
        old.amount_usd if old else None,
        new.amount_usd if new else None,
    )
    parts = max((one.days for one in (new, old) if one), key=len)
    if len(parts) > 1:
        line = _saying(line, f" ({days_words(parts)})")
    if any(one.amount_usd is None for one in (old, new) if one):
        return replace(line, volume_usd=None, price_usd=None, is_unpriced=True)
    return replace(
        line,
        volume_usd=delta.volume_usd if delta else ZERO,
        price_usd=delta.price_usd if delta else ZERO,
        by_cause=by_cause,
    )


def _priced(lines: Sequence[Billed]) -> list[Billed]:
    return [line for line in lines if line.amount_usd is not None]


def _corrections(before: Sequence[Line], after: Sequence[Line]) -> list[ComparedLine]:
    """Return the lines 70 of two runs side by side, by the month that they correct."""
    old, new = (dict(zip(keys_of(side), side, strict=True)) for side in (before, after))
    found = [
        _correction(key, old.get(key), new.get(key))
        for key in [*new, *(key for key in old if key not in new)]
    ]
    return sorted(found, key=lambda one: one.corrects_period)


def _correction(key: Key, old: Line | None, new: Line | None) -> ComparedLine:
    """Return one correction in both runs; its effects are those that its line says."""
    named = new or old
    was, now = (_effects(row) for row in (old, new))
    changes = {name: now[name] - was[name] for name in now}
    line = ComparedLine(
        key,
        named.label,
        named.unit,
        quantity_before(old, new),
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
