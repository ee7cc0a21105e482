"""What a file changes in the store, counted as it is merged: for a receipt and a dry run alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meters.services.arriving.merging import Merged
from meters.services.arriving.receipts import ChannelCount
from poweroptix.kernel.canonical import number
from poweroptix.kernel.fixed import from_micro

COUNTED = ("new", "same", "replaced", "ignored")
#: Pairs of channel and older file that a receipt lists; those with the most intervals first.
LISTED = 100

Key = tuple[int, int]


@dataclass
class Tally:
    """Counts of intervals; per channel and older file, how many it lost and by how much (10^-6)."""

    counts: Counter[str] = field(default_factory=Counter)
    lost: Counter[Key] = field(default_factory=Counter)
    changed_micro: Counter[Key] = field(default_factory=Counter)

    def add(self, merged: Merged) -> None:
        """Count what was decided for some days."""
        for name in COUNTED:
            self.counts[name] += getattr(merged, name)
        for key, (intervals, micro) in merged.over.items():
            self.lost[key] += intervals
            self.changed_micro[key] += micro

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        both = Tally(Counter(self.counts), Counter(self.lost), Counter(self.changed_micro))
        both.counts.update(other.counts)
        both.lost.update(other.lost)
        both.changed_micro.update(other.changed_micro)
        return both

    def stored(self) -> dict[str, int]:
        """Return the counts of intervals, all of them named."""
        return {name: self.counts[name] for name in COUNTED}

    def replaces(self, channels: Mapping[int, ChannelCount]) -> list[dict[str, Any]]:
        """Return whose readings were replaced: channel, older file, intervals, raw difference."""
        rows = sorted(self.lost, key=lambda key: (-self.lost[key], key))[:LISTED]
        return [
            {
                "code": channels[channel_id].code,
                "unit": channels[channel_id].unit,
                "file": file_id,
                "intervals": self.lost[channel_id, file_id],
                "difference": number(from_micro(self.changed_micro[channel_id, file_id])),
            }
            for channel_id, file_id in rows
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain data, from which `from_json` goes on."""
        over = [[*key, count, self.changed_micro[key]] for key, count in sorted(self.lost.items())]
        return {"counts": dict(self.counts), "over": over}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Tally:
        """Return what `to_json` wrote; nothing counted for an empty document."""
        made = cls(Counter(document.get("counts", {})))
        for channel_id, file_id, count, micro in document.get("over", []):
            made.lost[channel_id, file_id] = count
            made.changed_micro[channel_id, file_id] = micro
        return made
