"""What every export format shares: the head of a file, parts of readings, the registry.

A writer is ``write(head, parts)``, an iterator of bytes. It streams: what it holds is bounded by a
part, not by the file. It is exact: a reading that the format cannot hold is refused with channel
and interval, never rounded, and what a format cannot hold at all is refused by ``check`` before
the first byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series

#: Readers take at most twelve digits before the point.
MOST_MICRO = 10**18 - 1


@dataclass(frozen=True)
class ChannelHead:
    """What a file says of one channel; `direction` is DELIVERED, RECEIVED or NET."""

    code: str
    unit: str
    minutes: int
    direction: str = "DELIVERED"

    @property
    def halves(self) -> tuple[str, str]:
        """Return meter and channel name; Refused for a code that has not both."""
        meter, _, name = self.code.rpartition("/")
        if not meter or not name:
            text = (
                f"The code {self.code} has no meter and channel with a '/' between, as this "
                "format needs; export it as Parquet."
            )
            raise Refused("export.code", text, channel=self.code)
        return meter, name


@dataclass(frozen=True)
class Head:
    """What the whole file is about: campus, days of a zone, layer (final or raw), its channels."""

    campus: str
    zone: str
    first: date
    last: date
    layer: str
    made_at: datetime
    channels: tuple[ChannelHead, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """Consecutive whole days (of the head's zone) of one channel.

    `method` holds `kernel.quality.Method` codes, `version` the version of the block that each
    reading was read from (0 where there is no block).
    """

    channel: ChannelHead
    series: Series
    method: NDArray[np.uint8]
    version: NDArray[np.int32]


class Writer(Protocol):
    """An export format: one class, registered under a versioned key.

    Parts come channel by channel in the order of the head, each channel's in time order.
    """

    title: str
    suffix: str
    content_type: str

    @staticmethod
    def check(head: Head) -> None:
        """Raise Refused, naming the channel, for what the format cannot hold at all."""

    @staticmethod
    def write(head: Head, parts: Iterable[Part]) -> Iterator[bytes]:
        """Yield the file; Refused names channel and interval of a reading it cannot hold."""


writers: Registry[Writer] = Registry("export format", "meters.exports")


def refuse_readings(part: Part, wrong: NDArray[np.bool_], why: str) -> None:
    """Raise Refused for the first reading of a mask, naming channel and interval."""
    if wrong.any():
        at = int(wrong.argmax())
        start = part.series.grid.start_of(at).astimezone(UTC)
        text = (
            f"The reading of {part.channel.code} at {start:%Y-%m-%dT%H:%M:%SZ} cannot be written "
            f"exactly: {why}; export it as Parquet."
        )
        raise Refused("export.inexact", text, channel=part.channel.code, start_utc=start)


def refuse_large(part: Part) -> None:
    """Refuse a reading with more than twelve digits before the point."""
    values = part.series.values
    wrong = ~part.series.missing & ((values > MOST_MICRO) | (values < -MOST_MICRO))
    refuse_readings(part, wrong, "it has more than 12 digits before the point")
