"""Which instants of which channel a file has already delivered; ranges, so memory stays small."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class Claims:
    """Half-open minute ranges per channel; neighbours are joined.

    >>> claims = Claims()
    >>> claims.add("A/E1", 0, 10), claims.add("A/E1", 10, 20), claims.overlap("A/E1", 5, 30)
    (None, None, (5, 20))
    """

    def __init__(self) -> None:
        self._ranges: dict[str, tuple[list[int], list[int]]] = {}

    def overlap(self, channel: str, start: int, end: int) -> tuple[int, int] | None:
        """Return the first part of ``[start, end)`` that was claimed before, or None."""
        if channel not in self._ranges:
            return None
        starts, ends = self._ranges[channel]
        at = bisect_right(ends, start)
        if at == len(starts) or starts[at] >= end:
            return None
        return max(start, starts[at]), min(end, ends[at])

    def add(self, channel: str, start: int, end: int) -> None:
        """Claim a range (not claimed before, as ``overlap`` told)."""
        starts, ends = self._ranges.setdefault(channel, ([], []))
        first, last = bisect_left(ends, start), bisect_right(starts, end)
        if first < last:
            start, end = min(start, starts[first]), max(end, ends[last - 1])
        starts[first:last], ends[first:last] = [start], [end]
