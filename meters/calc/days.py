"""Blocks of readings laid on whole UTC days, as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from meters.formats import ChannelBlock
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

_EPOCH = date(1970, 1, 1)


@dataclass
class DayReadings:
    """One channel and UTC day at full length; where the file gave nothing: missing, line 0."""

    channel_text: str
    unit: str
    minutes: int
    day: date
    values: np.ndarray
    status: np.ndarray
    method: np.ndarray
    lines: np.ndarray

    @property
    def given(self) -> np.ndarray:
        """Which intervals the file has a record for, with or without a value."""
        return self.lines > 0


def utc_days(block: ChannelBlock) -> Iterator[DayReadings]:
    """Yield a block as UTC days, its first and last one padded. One reshape, no loop over values.

    Raises Refused when the block does not lie on the grid of its interval length.
    """
    minute = int(block.start_utc.timestamp()) // 60
    if minute % block.minutes or 1440 % block.minutes:
        text = f"{block.channel_text} does not start on a {block.minutes}-minute boundary."
        raise Refused("meters.not_aligned", text)
    per_day = 1440 // block.minutes
    first_day, offset = divmod(minute // block.minutes, per_day)
    count = -(-(offset + block.count) // per_day)

    def laid(source: np.ndarray, blank: int, kind: type) -> np.ndarray:
        target = np.full(count * per_day, blank, dtype=kind)
        target[offset : offset + block.count] = source
        return target.reshape(count, per_day)

    values = laid(block.values, MISSING, np.int64)
    status = laid(block.status, int(Status.MISSING), np.uint8)
    method = laid(block.method, 0, np.uint8)
    lines = laid(block.lines, 0, np.int64)
    for at in range(count):
        yield DayReadings(
            block.channel_text, block.unit, block.minutes, _EPOCH + timedelta(first_day + at),
            values[at], status[at], method[at], lines[at],
        )  # fmt: skip


def lay_over(below: DayReadings, above: DayReadings) -> DayReadings:
    """Return a day with the values of ``above`` where it has some; a null withdraws nothing."""
    if (below.channel_text, below.minutes, below.day) != (
        above.channel_text, above.minutes, above.day,
    ):  # fmt: skip
        raise Refused("meters.other_day", "Only the same channel and day can be laid over.")
    take = (above.values != MISSING) | (above.given & ~below.given)
    return DayReadings(
        below.channel_text,
        below.unit,
        below.minutes,
        below.day,
        np.where(take, above.values, below.values),
        np.where(take, above.status, below.status),
        np.where(take, above.method, below.method),
        np.where(take, above.lines, below.lines),
    )
