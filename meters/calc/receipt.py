"""What a file held, in numbers: per channel and in all; bounded however large the file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from meters.formats import ChannelBlock, RowError
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.quality import Status

LISTED = 100


@dataclass
class ChannelTally:
    """Numbers of one channel."""

    unit: str
    minutes: int
    first_utc: datetime
    end_utc: datetime
    intervals: int = 0
    missing: int = 0
    total_micro: int = 0
    status: Counter[int] = field(default_factory=Counter)

    def add(self, block: ChannelBlock) -> None:
        """Count a block."""
        absent = block.values == MISSING
        self.first_utc = min(self.first_utc, block.start_utc)
        self.end_utc = max(self.end_utc, block.end_utc)
        self.intervals += block.count
        self.missing += int(absent.sum())
        self.total_micro += total(block.values[~absent])
        numbers, counts = np.unique(block.status, return_counts=True)
        self.status.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))


@dataclass
class Summary:
    """Tallies of a file; errors are all counted, the first hundred listed."""

    channels: dict[tuple[str, int], ChannelTally] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    listed: list[RowError] = field(default_factory=list)

    def add(self, item: ChannelBlock | RowError) -> None:
        """Count what a reader yields."""
        if isinstance(item, RowError):
            (self.errors if item.is_error else self.remarks)[item.code] += 1
            if len(self.listed) < LISTED:
                self.listed.append(item)
            return
        key = (item.channel_text, item.minutes)
        if key not in self.channels:
            self.channels[key] = ChannelTally(item.unit, item.minutes, item.start_utc, item.end_utc)
        self.channels[key].add(item)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; totals as text."""
        return {
            "channels": [
                {
                    "channel": channel,
                    "unit": tally.unit,
                    "minutes": minutes,
                    "first_utc": tally.first_utc.isoformat(),
                    "end_utc": tally.end_utc.isoformat(),
                    "intervals": tally.intervals,
                    "missing": tally.missing,
                    "total": f"{from_micro(tally.total_micro):f}",
                    "status": {Status(k).name: n for k, n in sorted(tally.status.items())},
                }
                for (channel, minutes), tally in sorted(self.channels.items())
            ],
            "intervals": sum(tally.intervals for tally in self.channels.values()),
            "errors": dict(sorted(self.errors.items())),
            "remarks": dict(sorted(self.remarks.items())),
            "listed": [
                {"line": e.line, "code": e.code, "field": e.field, "message": e.message}
                for e in self.listed
            ],
        }
