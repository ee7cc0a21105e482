"""Which intervals of a channel a file has no value for: not in it at all, or in it without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from meters.validation._base import runs
from poweroptix.kernel.fixed import MISSING

#: Stretches without a value that are listed; all of them are counted.
LISTED = 20
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Hole:
    """A stretch without a value, half open."""

    start_utc: datetime
    end_utc: datetime
    intervals: int


@dataclass
class Coverage:
    """What the blocks of one channel cover, in whatever order they come; bounded by the holes.

    >>> seen = Coverage(60)
    >>> seen.add(_EPOCH, np.array([1, 2]))
    >>> seen.add(_EPOCH + timedelta(hours=4), np.array([5, MISSING]))
    >>> seen.absent, [(hole.start_utc.hour, hole.intervals) for hole in seen.holes()]
    (2, [(2, 2), (5, 1)])
    """

    minutes: int
    _spans: list[Stretch] = field(default_factory=list)
    _empty: list[Stretch] = field(default_factory=list)

    def add(self, start_utc: datetime, values: np.ndarray) -> None:
        """Take a block: values in 10^-6, `MISSING` where the file says that there is none."""
        first = (start_utc - _EPOCH) // _MINUTE
        end = first + len(values) * self.minutes
        if self._spans and self._spans[-1][1] == first:
            self._spans[-1] = (self._spans[-1][0], end)
        else:
            self._spans.append((first, end))
        if len(self._empty) < LISTED and (values == MISSING).any():
            room = LISTED - len(self._empty)
            self._empty += [
                (first + a * self.minutes, first + b * self.minutes)
                for a, b in runs(values == MISSING)[:room]
            ]

    @property
    def absent(self) -> int:
        """Return how many intervals between the first and the last are not in the file."""
        return sum(end - first for first, end in self._gaps()) // self.minutes

    def holes(self) -> list[Hole]:
        """Return the first stretches without a value in order of time, absent and empty alike."""
        return [
            Hole(_EPOCH + first * _MINUTE, _EPOCH + end * _MINUTE, (end - first) // self.minutes)
            for first, end in _joined([*self._gaps(), *self._empty])[:LISTED]
        ]

    def _gaps(self) -> list[Stretch]:
        """Return the stretches between the blocks."""
        spans = _joined(self._spans)
        return [(before[1], after[0]) for before, after in pairwise(spans)]


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return stretches in order, those that touch or overlap as one."""
    joined: list[Stretch] = []
    for first, end in sorted(stretches):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined
