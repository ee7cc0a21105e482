"""Confirmed outages: interruptions that somebody put on record, as evidence for estimates.

The record is the confirmation: a person entered it and stands by it with name and cause. The power
failure flag of a device alone proves nothing (vee.md 6.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from meters.calc.evidence import Span
from meters.estimation import Flag
from meters.estimation._base import INTERRUPTED
from meters.models import Direction, Interruption, PointKind, Quantity
from meters.services.judging.subjects import Subject
from poweroptix.kernel.grid import Grid

ENERGY = (Quantity.KWH, Quantity.KVARH, Quantity.KVAH, Quantity.KW, Quantity.MMBTU)


@dataclass(frozen=True)
class Dark:
    """A time in which a point was out of service, and who says so."""

    start_utc: datetime
    end_utc: datetime
    reason: str

    def flag(self, grid: Grid) -> Flag:
        """Return the intervals it touches: no end points of a line, no part of a like day."""
        step = timedelta(minutes=grid.minutes)
        first = (self.start_utc - grid.start_utc) // step
        end = -((grid.start_utc - self.end_utc) // step)
        return _cut(first, grid), _cut(end, grid), INTERRUPTED, {"reason": self.reason}

    def spans(self, grid: Grid, subject: Subject) -> list[Span]:
        """Return the intervals that lie wholly in it, where it proves that nothing flowed."""
        if not proves_zero(subject):
            return []
        step = timedelta(minutes=grid.minutes)
        first = _cut(-((grid.start_utc - self.start_utc) // step), grid)
        end = _cut((self.end_utc - grid.start_utc) // step, grid)
        return [Span(first, end, self.reason)] if first < end else []


def dark_times(rows: Iterable[Interruption], now: datetime) -> list[Dark]:
    """Return interruptions as times; one without an end lasts until now."""
    return [
        Dark(row.during.lower, end, _reason(row))
        for row in rows
        if (end := row.during.upper or now) > row.during.lower
    ]


def proves_zero(subject: Subject) -> bool:
    """Tell whether nothing flows through a channel while its point is out of service.

    A generator at rest delivers nothing, but may draw its own supply: its other directions are not
    proved. Voltage, weather and states are not energy.
    """
    if subject.quantity not in ENERGY:
        return False
    return subject.kind != PointKind.GENERATOR or subject.direction == Direction.DELIVERED


def _reason(row: Interruption) -> str:
    """Return what a worksheet says of an interruption."""
    end = f"{row.during.upper:%Y-%m-%dT%H:%MZ}" if row.during.upper else "still open"
    who = row.recorded_by or "unknown"
    return (
        f"interruption {row.pk}, {row.during.lower:%Y-%m-%dT%H:%MZ} to {end}, "
        f"{row.get_cause_display().lower()}, recorded by {who}"
    )


def _cut(index: int, grid: Grid) -> int:
    return min(max(0, index), grid.count)
