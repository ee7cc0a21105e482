"""How sure the days of a channel are, and since when each interval has been what it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel import exact
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.quality import BILLABLE, Status, letter

#: Letters of quality from sure to missing, and what they are called.
KINDS = {
    "A": "measured",
    "S": "substituted",
    "E": "estimated",
    "M": "edited",
    "?": "suspect",
    "X": "missing",
}
ESTIMATES = ("S", "E")
NEVER = -1
_ORDER = {name: at for at, name in enumerate(KINDS)}
_CODES = np.full(256, _ORDER["X"], np.uint8)
for _status in Status:
    _CODES[_status] = _ORDER[letter(_status)]
_FIT = np.zeros(256, bool)
_FIT[[int(status) for status in BILLABLE]] = True


@dataclass(frozen=True)
class DayQuality:
    """One local day: intervals by kind, the worst letter, and when it became final.

    `minutes_to_final` counts from the end of the day to the publication of the last reading that
    counts now (0 when that was earlier); None while an interval cannot be billed.
    """

    counts: tuple[int, ...]
    letter: str
    minutes_to_final: int | None

    @property
    def expected(self) -> int:
        """How many intervals the day has."""
        return sum(self.counts)

    def count(self, kind: str) -> int:
        """Return the intervals of a letter."""
        return self.counts[_ORDER[kind]]

    @property
    def unsure_count(self) -> int:
        """How many intervals are not measured."""
        return self.expected - self.counts[0]

    def in_words(self) -> str:
        """Say the day: `92 measured, 4 estimated`."""
        if not self.expected:
            return "not due yet"
        names = zip(self.counts, KINDS.values(), strict=True)
        return ", ".join(f"{count} {name}" for count, name in names if count)


def settled_since(
    group: NDArray[np.int64],
    published: NDArray[np.int64],
    values: NDArray[np.int64],
    status: NDArray[np.uint8],
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """Return values, statuses and since when they are so, one row for each group of versions.

    Rows are versions of days: `group` numbers the days from 0 without gaps and ascends, the
    versions of a day follow each other; `published` is the minute at which a version was seen.
    A version that says the same of an interval again does not make it younger.

    >>> values = np.array([[1, 2], [1, 5]])
    >>> status = np.array([[10, 10], [10, 10]], dtype=np.uint8)
    >>> settled_since(np.array([0, 0]), np.array([100, 200]), values, status)[2].tolist()
    [[100, 200]]
    """
    days = int(group[-1]) + 1 if len(group) else 0
    shape = (days, values.shape[1])
    now, sure = np.full(shape, MISSING, np.int64), np.full(shape, Status.MISSING, np.uint8)
    since = np.full(shape, NEVER, np.int64)
    first = np.searchsorted(group, np.arange(days))
    rank = np.arange(len(group)) - first[group] if days else group
    for turn in range(int(rank.max()) + 1 if days else 0):
        rows = np.flatnonzero(rank == turn)
        at = group[rows]
        changed = (now[at] != values[rows]) | (sure[at] != status[rows])
        since[at] = np.where(changed, published[rows][:, None], since[at])
        now[at], sure[at] = values[rows], status[rows]
    return now, sure, since


def day_qualities(
    status: NDArray[np.uint8],
    since: NDArray[np.int64],
    bounds: Sequence[int],
    ends: Sequence[int],
) -> tuple[DayQuality, ...]:
    """Return the days of one channel; day i is [bounds[i], bounds[i+1]) and ends at minute ends[i].

    A day is as sure as its worst interval.
    """
    codes, fit = _CODES[status], _FIT[status]
    found = []
    for at, end in enumerate(ends):
        part = slice(bounds[at], bounds[at + 1])
        final = None
        if fit[part].any() and fit[part].all():
            final = max(0, int(since[part].max(initial=NEVER)) - end)
        worst = letter(int(status[part].max())) if bounds[at] < bounds[at + 1] else ""
        counts = np.bincount(codes[part], minlength=len(KINDS))
        found.append(DayQuality(tuple(counts.tolist()), worst, final))
    return tuple(found)


def energy(values: NDArray[np.int64], status: NDArray[np.uint8]) -> tuple[Decimal, Decimal]:
    """Return what flowed in either direction, and how much of it is estimated or substituted."""
    present = values != MISSING
    guessed = present & np.isin(_CODES[status], [_ORDER[kind] for kind in ESTIMATES])
    size = np.abs(np.where(present, values, 0))
    return from_micro(exact.total(size)), from_micro(exact.total(size[guessed]))
