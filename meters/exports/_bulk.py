"""Numbers to text for many intervals at once: tables of bytes whose unused places are NUL.

A column is an array of intervals x width bytes. Columns are put side by side and the NULs left
out, so that a text of any length costs no loop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock

Column = NDArray[np.uint8]
_ZERO, _MINUS, _POINT = ord("0"), ord("-"), ord(".")
_MICRO_PLACES = 6


def digits(numbers: NDArray[np.int64], width: int) -> Column:
    """Return numbers from 0 with leading zeros, as wide as said."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + _ZERO).astype(np.uint8)


def integers(numbers: NDArray[np.int64]) -> Column:
    """Return whole numbers without leading zeros.

    >>> joined(integers(np.array([-120, 0, 7])), constant(";", 3))[0]
    b'-120;0;7;'
    """
    return np.concatenate([_sign(numbers), _bare(np.abs(numbers))], axis=1)


def decimals(micro: NDArray[np.int64]) -> Column:
    """Return numbers of 10^-6 as plain decimals without needless zeros.

    >>> joined(decimals(np.array([-500000, 12_000_000, 1])), constant(";", 3))[0]
    b'-0.5;12;0.000001;'
    """
    size = np.abs(micro)
    fraction = digits(size % MICRO, _MICRO_PLACES)
    used = np.maximum.accumulate((fraction != _ZERO)[:, ::-1], axis=1)[:, ::-1]
    fraction[~used] = 0
    point = np.where(used[:, :1], _POINT, 0).astype(np.uint8)
    return np.concatenate([_sign(micro), _bare(size // MICRO), point, fraction], axis=1)


def _sign(numbers: NDArray[np.int64]) -> Column:
    return np.where(numbers < 0, _MINUS, 0).astype(np.uint8)[:, None]


def _bare(sizes: NDArray[np.int64]) -> Column:
    """Return numbers from 0 without leading zeros."""
    width = len(str(int(sizes.max(initial=0))))
    found = digits(sizes, width)
    leading = np.maximum.accumulate(found != _ZERO, axis=1)
    leading[:, -1] = True
    found[~leading] = 0
    return found


def stamps(grid: Grid, zone: str) -> Column:
    """Return the start of every interval as ISO 8601 with the offset of the zone."""
    clock = LocalClock.of(grid, zone)
    count = grid.count
    shift = np.abs(clock.utc_offset_minutes)
    sign = np.where(clock.utc_offset_minutes < 0, _MINUS, ord("+")).astype(np.uint8)[:, None]
    return np.concatenate(
        [
            *(digits(clock.year, 4), constant("-", count), digits(clock.month, 2)),
            *(constant("-", count), digits(clock.day, 2), constant("T", count)),
            *(digits(clock.minute_of_day // 60, 2), constant(":", count)),
            *(digits(clock.minute_of_day % 60, 2), constant(":00", count)),
            *(sign, digits(shift // 60, 2), constant(":", count), digits(shift % 60, 2)),
        ],
        axis=1,
    )


def constant(text: str, count: int) -> Column:
    """Return the same text for every interval."""
    return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (count, len(text.encode())))


def words(texts: Sequence[str], index: NDArray[np.integer]) -> Column:
    """Return for every interval the text at its index."""
    table = np.array([text.encode() for text in texts], dtype=np.bytes_)
    width = max(table.itemsize, 1)
    return np.frombuffer(table.tobytes(), np.uint8).reshape(len(texts), width)[index]


def joined(*columns: Column) -> tuple[bytes, NDArray[np.int64]]:
    """Return the text of all intervals, and where each begins (one more than there are)."""
    table = np.concatenate(columns, axis=1)
    used = table != 0
    starts = np.concatenate(([0], np.cumsum(used.sum(axis=1))))
    return table[used].tobytes(), starts
