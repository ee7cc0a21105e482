"""Local days and months as UTC ranges, and local clocks for whole grids at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import WIDE
from poweroptix.kernel.grid import Grid, utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_DAY_MINUTES = 1440


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """Return an IANA zone; abbreviations such as EST are refused (they hide a rule).

    >>> zone_of("America/Chicago").key
    'America/Chicago'
    """
    if name == "UTC" or "/" in name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise _unknown_zone(name) from error
    raise _unknown_zone(name)


def _unknown_zone(name: str) -> Refused:
    text = (
        f"{name!r} is not a time zone we can use; give an IANA zone such as America/Chicago "
        "(a fixed Eastern Standard Time is Etc/GMT+5)."
    )
    return Refused("time.zone", text, zone=name)


def local_to_utc(naive: datetime, zone: str, *, fold: int | None = None) -> datetime:
    """Return the instant of a local wall-clock time.

    Raises Refused("time.nonexistent") for a time that the clock jumps over and
    Refused("time.ambiguous") for one it shows twice, unless `fold` says which (0 first, 1 second).

    >>> local_to_utc(datetime(2026, 11, 1, 1, 30), "America/Chicago", fold=1).hour
    7
    """
    if naive.tzinfo is not None:
        raise Refused("time.aware", f"{naive.isoformat()} already has a zone.")
    place = zone_of(zone)
    early = naive.replace(tzinfo=place, fold=0)
    late = naive.replace(tzinfo=place, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early.astimezone(UTC)
    if early.astimezone(UTC).astimezone(place).replace(tzinfo=None) != naive:
        text = f"{naive:%Y-%m-%d %H:%M} does not exist in {zone}: the clock jumps over it."
        raise Refused("time.nonexistent", text, zone=zone)
    if fold is None:
        text = f"{naive:%Y-%m-%d %H:%M} happens twice in {zone}; say which one with an offset."
        raise Refused("time.ambiguous", text, zone=zone)
    return (late if fold else early).astimezone(UTC)


@lru_cache(maxsize=16384)
def day_start(day: date, zone: str) -> datetime:
    """Return the first instant of a local day (the jump itself where midnight is jumped over)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone))
    return midnight.astimezone(UTC)


@dataclass(frozen=True)
class Period:
    """A half-open range [start_utc, end_utc) that means something in one zone.

    >>> march = Period.month("America/Chicago", "2026-03")
    >>> march.hours, march.grid(15).count
    (Decimal('743'), 2972)
    >>> march.next().label, march.previous().label
    ('2026-04', '2026-02')
    """

    start_utc: datetime
    end_utc: datetime
    zone: str
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_utc", utc(self.start_utc))
        object.__setattr__(self, "end_utc", utc(self.end_utc))
        zone_of(self.zone)
        if self.end_utc <= self.start_utc:
            text = f"A period from {self.start_utc} to {self.end_utc} is empty."
            raise Refused("period.empty", text)

    @classmethod
    def month(cls, zone: str, label: str) -> Period:
        """Return the local month `2026-03`."""
        match = _MONTH.fullmatch(label)
        if match is None:
            text = f"{label!r} is not a month; write it as 2026-03."
            raise Refused("period.month", text)
        first = date(int(match[1]), int(match[2]), 1)
        return cls(day_start(first, zone), day_start(_next_month(first), zone), zone, label)

    @classmethod
    def day(cls, zone: str, day: date) -> Period:
        """Return the local day; 23, 24 or 25 hours.

        >>> Period.day("America/Chicago", date(2026, 11, 1)).hours
        Decimal('25')
        """
        end = day_start(day + timedelta(days=1), zone)
        return cls(day_start(day, zone), end, zone, day.isoformat())

    @classmethod
    def days_between(cls, zone: str, first: date, last: date) -> Period:
        """Return the period from the start of `first` to the end of `last` (inclusive)."""
        end = day_start(last + timedelta(days=1), zone)
        return cls(day_start(first, zone), end, zone, f"{first.isoformat()}..{last.isoformat()}")

    @cached_property
    def first_date(self) -> date:
        """The local date of the first instant."""
        return self.start_utc.astimezone(zone_of(self.zone)).date()

    @cached_property
    def last_date(self) -> date:
        """The local date of the last instant."""
        last = self.end_utc - timedelta(microseconds=1)
        return last.astimezone(zone_of(self.zone)).date()

    @property
    def hours(self) -> Decimal:
        """Elapsed hours, exact (743 in a Chicago March)."""
        minutes = (self.end_utc - self.start_utc) // timedelta(minutes=1)
        return WIDE.divide(Decimal(minutes), Decimal(60))

    def days(self) -> list[date]:
        """Return the local dates that the period touches."""
        return list(self._days)

    @cached_property
    def _days(self) -> tuple[date, ...]:
        count = (self.last_date - self.first_date).days + 1
        return tuple(self.first_date + timedelta(days=step) for step in range(count))

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the UTC range of a local day, cut to this period."""
        start = max(day_start(day, self.zone), self.start_utc)
        end = min(day_start(day + timedelta(days=1), self.zone), self.end_utc)
        if start >= end:
            text = f"{day.isoformat()} is not in {self.label or 'the period'}."
            raise Refused("period.outside", text)
        return start, end

    def contains(self, instant: datetime) -> bool:
        """Say whether an instant lies in the period."""
        return self.start_utc <= utc(instant) < self.end_utc

    def grid(self, minutes: int) -> Grid:
        """Return the period's grid of intervals."""
        return Grid.spanning(self.start_utc, self.end_utc, minutes)

    def next(self) -> Period:
        """Return the month after this one; Refused when this is not a month."""
        return Period.month(self.zone, _label(_next_month(self._month_start())))

    def previous(self) -> Period:
        """Return the month before this one; Refused when this is not a month."""
        return Period.month(self.zone, _label(self._month_start() - timedelta(days=1)))

    def _month_start(self) -> date:
        if _MONTH.fullmatch(self.label) is None:
            text = f"The period {self.label!r} is not a month, so it has no neighbour."
            raise Refused("period.month", text)
        return date(int(self.label[:4]), int(self.label[5:]), 1)


@dataclass(frozen=True, eq=False)
class LocalClock:
    """What the wall clock shows at the start of every interval of a grid; weekday 0 is Monday.

    >>> clock = LocalClock.of(Grid(datetime(2026, 3, 8, 7, tzinfo=UTC), 60, 2), "America/Chicago")
    >>> clock.minute_of_day.tolist(), clock.weekday.tolist()
    ([60, 180], [6, 6])
    """

    date_ordinal: NDArray[np.int64]
    year: NDArray[np.int64]
    month: NDArray[np.int64]
    day: NDArray[np.int64]
    weekday: NDArray[np.int64]
    minute_of_day: NDArray[np.int64]
    utc_offset_minutes: NDArray[np.int64]

    @classmethod
    def of(cls, grid: Grid, zone: str) -> LocalClock:
        """Return the clock of a zone over a grid."""
        instants = grid.epoch_minutes()
        offsets = _offsets(instants, zone_of(zone))
        local = instants + offsets
        epoch_days = local // _DAY_MINUTES
        dates = epoch_days.astype("datetime64[D]")
        months = dates.astype("datetime64[M]").astype(np.int64)
        ordinals = epoch_days + _EPOCH_ORDINAL
        first_days = dates.astype("datetime64[M]").astype("datetime64[D]")
        return cls(
            date_ordinal=ordinals,
            year=months // 12 + 1970,
            month=months % 12 + 1,
            day=(dates - first_days).astype(np.int64) + 1,
            weekday=(ordinals - 1) % 7,
            minute_of_day=local % _DAY_MINUTES,
            utc_offset_minutes=offsets,
        )


def _offsets(instants: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Return the offset at each instant, by way of the few moments where it changes."""
    if not instants.size:
        return np.zeros(0, dtype=np.int64)
    starts, offsets = _steps(int(instants[0]), int(instants[-1]), zone)
    return offsets[np.searchsorted(starts, instants, side="right") - 1]


def _steps(
    first: int, last: int, zone: ZoneInfo, step: int = 720
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the minutes at which the offset changes in a range, and the offsets from there."""
    starts = [first]
    offsets = [_offset_at(first, zone)]
    low = first
    while low < last:
        high = min(low + step, last)
        after = _offset_at(high, zone)
        if after != offsets[-1]:
            starts.append(_change_between(low, high, offsets[-1], zone))
            offsets.append(after)
        low = high
    return np.array(starts, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _change_between(low: int, high: int, before: int, zone: ZoneInfo) -> int:
    """Return the first minute after `low` whose offset is not `before`."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_at(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset_at(minute: int, zone: ZoneInfo) -> int:
    offset = (_EPOCH + timedelta(minutes=minute)).astimezone(zone).utcoffset()
    return (offset or timedelta(0)) // timedelta(minutes=1)


def _next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _label(day: date) -> str:
    return f"{day:%Y-%m}"
