"""A grid: equal half-open intervals in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Grid:
    """`count` intervals [start, start + minutes), the first one at `start_utc`.

    >>> day = Grid(datetime(2026, 3, 8, 6, tzinfo=UTC), 15, 92)
    >>> day.end_utc.isoformat()
    '2026-03-09T05:00:00+00:00'
    """

    start_utc: datetime
    minutes: int
    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_utc", utc(self.start_utc))
        if self.minutes < 1:
            raise Refused("grid.minutes", f"An interval of {self.minutes} minutes has no length.")
        if self.count < 0:
            raise Refused("grid.count", f"A grid cannot have {self.count} intervals.")
        if self.start_utc.second or self.start_utc.microsecond:
            text = f"A grid starts on a whole minute, not at {self.start_utc.isoformat()}."
            raise Refused("grid.start", text)

    @classmethod
    def spanning(cls, start: datetime, end: datetime, minutes: int) -> Grid:
        """Return the grid from `start` to `end`; Refused when it is not a whole number.

        >>> start = datetime(2026, 1, 1, tzinfo=UTC)
        >>> Grid.spanning(start, start + timedelta(days=1), 60).count
        24
        """
        length = (utc(end) - utc(start)) // _MINUTE
        if minutes < 1 or length < 0 or length % minutes or (utc(end) - utc(start)) % _MINUTE:
            text = (
                f"{utc(start).isoformat()} to {utc(end).isoformat()} is no whole number of "
                f"{minutes}-minute intervals."
            )
            raise Refused("grid.not_whole", text)
        return cls(start, minutes, length // minutes)

    @classmethod
    def utc_day(cls, day: date, minutes: int) -> Grid:
        """Return the grid of one UTC day.

        >>> Grid.utc_day(date(2026, 3, 8), 15).count
        96
        """
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls.spanning(start, start + timedelta(days=1), minutes)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Grid:
        """Return the grid that `to_json` wrote."""
        start = datetime.fromisoformat(document["start_utc"])
        return cls(start, int(document["minutes"]), int(document["count"]))

    @property
    def end_utc(self) -> datetime:
        """The instant after the last interval."""
        return self.start_utc + timedelta(minutes=self.minutes * self.count)

    @property
    def start_minute(self) -> int:
        """Minutes from 1970 to the start."""
        return (self.start_utc - _EPOCH) // _MINUTE

    def epoch_minutes(self) -> NDArray[np.int64]:
        """Return the start of every interval in minutes since 1970, UTC."""
        return self.start_minute + np.arange(self.count, dtype=np.int64) * self.minutes

    def start_of(self, index: int) -> datetime:
        """Return the start of one interval."""
        if not 0 <= index <= self.count:
            raise Refused("grid.outside", f"Interval {index} is outside a grid of {self.count}.")
        return self.start_utc + timedelta(minutes=self.minutes * index)

    def index_of(self, instant: datetime) -> int:
        """Return the index of the interval that holds `instant`; Refused outside the grid."""
        moment = utc(instant)
        if not self.start_utc <= moment < self.end_utc:
            text = (
                f"{moment.isoformat()} is outside {self.start_utc.isoformat()} to "
                f"{self.end_utc.isoformat()}."
            )
            raise Refused("grid.outside", text)
        return (moment - self.start_utc) // timedelta(minutes=self.minutes)

    def sub(self, start: datetime, end: datetime) -> Grid:
        """Return the part from `start` to `end`; both must be boundaries inside this grid."""
        part = Grid.spanning(start, end, self.minutes)
        offset = part.start_minute - self.start_minute
        if part.start_utc < self.start_utc or part.end_utc > self.end_utc:
            text = (
                f"{part.start_utc.isoformat()} to {part.end_utc.isoformat()} is not inside "
                f"{self.start_utc.isoformat()} to {self.end_utc.isoformat()}."
            )
            raise Refused("grid.outside", text)
        if offset % self.minutes:
            text = f"{part.start_utc} is not the start of a {self.minutes}-minute interval."
            raise Refused("grid.not_aligned", text)
        return part

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        start = self.start_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"start_utc": start, "minutes": self.minutes, "count": self.count}


def utc(moment: datetime) -> datetime:
    """Return an aware instant in UTC; Refused when it has no zone.

    >>> utc(datetime.fromisoformat("2026-03-02T07:00:00-06:00")).hour
    13
    """
    if moment.tzinfo is None:
        raise Refused("time.naive", f"{moment.isoformat()} has no time zone.")
    return moment.astimezone(UTC)
