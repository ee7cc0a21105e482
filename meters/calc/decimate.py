"""Readings thinned to what a screen can show: the lowest and the highest of each bucket.

A peak that is drawn as one pixel column must not vanish, nor a gap: a bucket keeps its lowest and
its highest value, which of them comes first, and its worst status.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING


@dataclass(frozen=True, eq=False)
class Decimated:
    """Buckets of `size` intervals each, the last one perhaps shorter.

    `first` and `second` are the lowest and the highest value in the order in which they occur,
    MISSING where the bucket has no value at all; `status` is the worst, so a bucket with a missing
    interval says missing. With `size` 1 nothing was thinned and both are the values themselves.
    """

    size: int
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    status: NDArray[np.uint8]


def decimate(
    values: NDArray[np.int64], status: NDArray[np.uint8], buckets: int, *, exact: int = 0
) -> Decimated:
    """Return at most `buckets` buckets of equal size; up to `exact` values stay as they are.

    Raises Refused for less than one bucket and for columns of different length.

    >>> values = np.array([5, 9, 1, MISSING, 4, 4], dtype=np.int64)
    >>> thin = decimate(values, np.array([10, 10, 10, 100, 10, 60], dtype=np.uint8), 2)
    >>> thin.first.tolist(), thin.second.tolist(), thin.status.tolist()
    ([9, 4], [1, 4], [10, 100])
    """
    if buckets < 1:
        raise Refused("decimate.buckets", f"{buckets} buckets hold nothing; ask for at least 1.")
    count = len(values)
    if len(status) != count:
        raise Refused("decimate.length", f"{count} values have {len(status)} statuses.")
    if count <= max(exact, buckets):
        return Decimated(1, values, values, status)
    size = -(-count // buckets)
    rows, rest = -(-count // size), -count % size
    laid = np.concatenate((values, np.full(rest, MISSING, np.int64))).reshape(rows, size)
    absent = laid == MISSING
    limits = np.iinfo(np.int64)
    low = np.where(absent, limits.max, laid)
    high = np.where(absent, limits.min, laid)
    at_low, at_high = low.argmin(axis=1), high.argmax(axis=1)
    row = np.arange(rows)
    # A bucket without a value: the highest is the smallest integer, which is MISSING itself.
    lowest = np.where(absent.all(axis=1), MISSING, low[row, at_low])
    highest = high[row, at_high]
    rising = at_low <= at_high
    # The bytes that fill the last bucket must not make it worse than it is.
    worst = np.concatenate((status, np.zeros(rest, np.uint8))).reshape(rows, size).max(axis=1)
    return Decimated(
        size, np.where(rising, lowest, highest), np.where(rising, highest, lowest), worst
    )
