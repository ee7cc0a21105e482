"""Which local days may stand for another one, and where their wall-clock slots lie.

A reference day is another day of the same channel with a good reading in every slot that is needed,
without an outage, under the same installation. Same type first (weekday, or holiday), then the same
class (weekday, weekend; for a holiday Sundays); nearest in time, a tie goes to the earlier day.
Slots are wall-clock: the repeated hour of autumn takes its slot twice, the skipped hour of spring
needs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

import numpy as np

from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock
from poweroptix.kernel.series import Series

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)
HOLIDAY = 7
#: Days back, per type of day, in order: the two-week look-up (a holiday looks for Sundays itself).
TWO_WEEKS: dict[int, tuple[int, ...]] = {
    MONDAY: (7, 14),
    TUESDAY: (7, 6, 5),  # Tuesday, Wednesday, Thursday of last week
    WEDNESDAY: (7, 1, 8, 6),  # Wednesday last, Tuesday this, Tuesday and Thursday of last week
    THURSDAY: (7, 1, 8, 2, 9),  # Thursday last, then this and last week's Wednesday, Tuesday
    FRIDAY: (7,),
    SATURDAY: (7,),
    SUNDAY: (7,),
}


@lru_cache(maxsize=8)
def clock_of(grid: Grid, zone: str) -> LocalClock:
    """Return the local clock of a grid; the channels of a window share one, nobody changes it."""
    return LocalClock.of(grid, zone)


@dataclass(frozen=True)
class Reference:
    """A reference day (ordinal) and the places of the needed slots in its series."""

    day: int
    places: np.ndarray

    @property
    def iso(self) -> str:
        """Return the day as text."""
        return date.fromordinal(self.day).isoformat()


@dataclass(frozen=True)
class History:
    """A series by local day and wall-clock slot.

    `good`: readings an estimate may rest on. `outages`: days (ordinals) with a power failure.
    `barriers`: indices at which another installation begins.
    """

    series: Series
    zone: str
    holidays: frozenset[date]
    good: np.ndarray
    outages: Collection[int] = ()
    barriers: Sequence[int] = ()

    @cached_property
    def clock(self) -> LocalClock:
        """The local clock of the series."""
        return clock_of(self.series.grid, self.zone)

    def type_of(self, day: int) -> int:
        """Return 0 (Monday) to 6, or 7 for a holiday."""
        return HOLIDAY if date.fromordinal(day) in self.holidays else (day - 1) % 7

    def like(self, candidate: int, day: int) -> bool:
        """Tell whether a day is of the class of another: weekday, weekend, for a holiday Sunday."""
        kind, wanted = self.type_of(candidate), self.type_of(day)
        if wanted == HOLIDAY:
            return kind == SUNDAY
        return kind != HOLIDAY and (kind >= SATURDAY) == (wanted >= SATURDAY)

    def near(self, day: int, back: int, ahead: int, around: int | None = None) -> list[int]:
        """Return days without an outage in a window, nearest first, a tie to the earlier.

        `around`: the day from which distance counts, if another than `day` itself.
        """
        middle = day if around is None else around
        if not self.series.grid.count:
            return []
        first = max(middle - back, int(self.clock.date_ordinal[0]))
        last = min(middle + ahead, int(self.clock.date_ordinal[-1]))
        days = [d for d in range(first, last + 1) if d != day and d not in self.outages]
        return sorted(days, key=lambda d: (abs(d - middle), d))

    def same(self, days: Sequence[int], day: int) -> list[int]:
        """Return those of the type of a day."""
        return [d for d in days if self.type_of(d) == self.type_of(day)]

    def ranked(self, days: Sequence[int], day: int) -> list[int]:
        """Return those of the type of a day, then those of its class."""
        same = self.same(days, day)
        return [*same, *(d for d in days if d not in same and self.like(d, day))]

    def two_weeks(self, day: int) -> list[int]:
        """Return the days of the two-week look-up, in its order, without holidays and outages."""
        kind = self.type_of(day)
        if kind == HOLIDAY:
            sunday = (day - 1) % 7 + 1  # days back to the last Sunday before this day
            backs: tuple[int, ...] = (sunday, sunday + 7)
        else:
            backs = TWO_WEEKS[kind]
        days = [day - back for back in backs]
        return [d for d in days if d not in self.outages and self.type_of(d) != HOLIDAY]

    def take(
        self, days: Sequence[int], slots: np.ndarray, count: int, rows: np.ndarray | None = None
    ) -> list[Reference]:
        """Return the first `count` days that have every slot; `rows`: the places to be filled."""
        return list(self._valid(days, slots, count, rows))

    def _valid(
        self, days: Sequence[int], slots: np.ndarray, count: int, rows: np.ndarray | None
    ) -> Iterator[Reference]:
        found = 0
        for day in days:
            places = self.places(day, slots)
            if places is None or (rows is not None and self._parted(rows, places)):
                continue
            yield Reference(day, places)
            found += 1
            if found == count:
                return

    def places(self, day: int, slots: np.ndarray) -> np.ndarray | None:
        """Return where the slots of a day stand; None when one has no good reading."""
        a, b = np.searchsorted(self.clock.date_ordinal, [day, day + 1])
        where = {}
        for at in range(int(b) - 1, int(a) - 1, -1):  # the first of a repeated slot stays
            where[int(self.clock.minute_of_day[at])] = at
        places = [where.get(int(slot), -1) for slot in slots]
        if not places or min(places) < 0 or not self.good[places].all():
            return None
        return np.array(places)

    def _parted(self, rows: np.ndarray, places: np.ndarray) -> bool:
        """Tell whether another installation begins between the gap and the reference day."""
        low = min(int(rows.min()), int(places.min()))
        high = max(int(rows.max()), int(places.max()))
        return any(low < barrier <= high for barrier in self.barriers)
