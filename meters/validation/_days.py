"""The local days of a grid as index ranges, and exact sums over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock


@dataclass(frozen=True, eq=False)
class LocalDays:
    """Where each local day begins and how many intervals it has (the last may be cut short)."""

    starts: np.ndarray
    counts: np.ndarray
    ordinals: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the exact sum of each day; of Python integers where 64 bits might not do."""
        if not len(self.starts):
            return np.zeros(0, dtype=np.int64)
        if values.dtype == np.bool_:
            return np.add.reduceat(values, self.starts, dtype=np.int64)
        largest = max(int(values.max()), -int(values.min()))
        whole = values if largest * int(self.counts.max()) < 2**62 else values.astype(object)
        return np.add.reduceat(whole, self.starts)

    def bounds(self, day: int) -> tuple[int, int]:
        """Return the index range of a day."""
        first = int(self.starts[day])
        return first, first + int(self.counts[day])

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Return the index range of the days first ... end - 1."""
        return self.bounds(first)[0], self.bounds(end - 1)[1]

    def date(self, day: int) -> date:
        """Return the local date of a day."""
        return date.fromordinal(int(self.ordinals[day]))


@lru_cache(maxsize=32)
def local_days(grid: Grid, zone: str) -> LocalDays:
    """Return the local days of a grid; the channels of one run share them."""
    if not grid.count:
        return LocalDays(*(np.zeros(0, dtype=np.int64) for _ in range(3)))
    ordinals = LocalClock.of(grid, zone).date_ordinal
    starts = np.concatenate(([0], np.flatnonzero(np.diff(ordinals)) + 1))
    counts = np.diff(np.concatenate((starts, [grid.count])))
    return LocalDays(starts, counts, ordinals[starts])
