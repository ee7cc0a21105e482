"""Registers as evidence: spans to scale to, known energies, days with a total, meter exchanges.

A read counts at the edge of an interval when it misses it by no more than a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from meters.calc.evidence import Exchanged, Known
from meters.calc.register_spans import RegisterSpan
from meters.models import RegisterReadType
from meters.services.judging.advances import Between
from meters.services.judging.rulebook import Rulebook
from meters.validation.sum_check import SumCheckParameters, tolerance
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import EXACT, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

SUM_CHECK_KEY = "sum_check@1"
SKEW_MOST = timedelta(seconds=60)
_SECOND = timedelta(seconds=1)


def spans(registers: Iterable[Between], grid: Grid, book: Rulebook) -> list[RegisterSpan]:
    """Return the spans between reads that lie on edges of intervals, inside the grid."""
    given = {key: parameters for key, _, parameters in book.rules}
    parameters = given.get(SUM_CHECK_KEY) or SumCheckParameters()
    found = []
    for each in registers:
        first, last = _edge(each.advance.start_utc, grid), _edge(each.advance.end_utc, grid)
        if first is None or last is None or not 0 <= first[0] < last[0] <= grid.count:
            continue
        skew_s = -(-(first[1] + last[1]) // _SECOND)
        allowed = tolerance(each.advance, parameters, max(each.advance.skew_s, skew_s))
        sheet = {"reads": each.reads, "multiplier": f"{each.multiplier:f}"}
        found.append(
            RegisterSpan(
                first[0], last[0], each.advance.energy, to_places(allowed, 6, Mode.DOWN), sheet
            )
        )
    return found


def _edge(moment: datetime, grid: Grid) -> tuple[int, timedelta] | None:
    """Return the nearest edge of an interval and how far a read misses it; None if too far."""
    step = timedelta(minutes=grid.minutes)
    index, rest = divmod(moment - grid.start_utc, step)
    if rest <= SKEW_MOST:
        return index, rest
    return (index + 1, step - rest) if step - rest <= SKEW_MOST else None


def known(spans_: Iterable[RegisterSpan]) -> tuple[Known, ...]:
    """Return the energies of spans, for methods that spread what is known."""
    return tuple(Known(s.first, s.end, s.energy, _name(s)) for s in spans_)


def days(spans_: Iterable[RegisterSpan], grid: Grid, zone: str) -> dict[date, Decimal]:
    """Return the totals of local days that a register was read at both ends of."""
    found = {}
    for span in spans_:
        day = grid.start_of(span.first).astimezone(zone_of(zone)).date()
        local = Period.day(zone, day)
        if (local.start_utc, local.end_utc) == (
            grid.start_of(span.first),
            grid.start_of(span.end),
        ):
            found[day] = span.energy
    return found


def _name(span: RegisterSpan) -> str:
    first, last = span.sheet["reads"]
    return f"register {first['register']} to {last['register']}, read {last['read_at']}"


def exchanges(registers: Sequence[Between], series: Series) -> tuple[Exchanged, ...]:
    """Return the exchanges of meters inside an interval whose two parts the registers tell.

    The part before is what the old register advanced from its last read less what was metered
    since, the part after likewise; both only when all else between the reads is metered.
    """
    found = []
    for old, new in pairwise(registers):
        kinds = (old.last.read_type, new.first.read_type)
        if kinds != (RegisterReadType.REMOVE, RegisterReadType.INSTALL):
            continue
        one = _exchanged(old, new, series)
        if one is not None:
            found.append(one)
    return tuple(found)


def _exchanged(old: Between, new: Between, series: Series) -> Exchanged | None:
    grid, step = series.grid, timedelta(minutes=series.grid.minutes)
    removed, installed = old.advance.end_utc, new.advance.start_utc
    index, rest = divmod(removed - grid.start_utc, step)
    start = grid.start_of(index) if 0 <= index < grid.count else None
    if start is None or not rest or not removed <= installed < start + step:
        return None
    before = _edge(old.advance.start_utc, grid)
    after = _edge(new.advance.end_utc, grid)
    if before is None or after is None:
        return None
    parts = []
    for between, first, end in ((old, before[0], index), (new, index + 1, after[0])):
        if not 0 <= first <= end <= grid.count or series.missing[first:end].any():
            return None
        metered = from_micro(total(series.values[first:end]))
        part = EXACT.subtract(between.advance.energy, metered)
        if part < 0 or Fraction(between.advance.unit_energy) * 2 > max(part, Decimal(1)):
            return None  # the register is too coarse to tell what a part of an interval had
        parts.append(part)
    return Exchanged(
        index, parts[0], parts[1], installed - removed,
        ({"reads": old.reads, "multiplier": f"{old.multiplier:f}"},
         {"reads": new.reads, "multiplier": f"{new.multiplier:f}"}),
    )  # fmt: skip


def average_day(registers: Sequence[Between]) -> Decimal | None:
    """Return what a day of 24 hours took between the reads that lie furthest apart; None if none.

    To 0.001 of the unit, half-even.
    """
    if not registers:
        return None
    longest = max(registers, key=lambda b: b.advance.end_utc - b.advance.start_utc)
    seconds = (longest.advance.end_utc - longest.advance.start_utc) // _SECOND
    return to_places(Fraction(longest.advance.energy) * 86_400 / seconds, 3, Mode.HALF_EVEN)
