"""Days of one NEM12 channel: gathered over a window, duplicates resolved, cut into blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from meters.formats._base import ChannelBlock, RowError, at_second, clip
from meters.formats._claims import Claims
from meters.formats._nem12_records import Flag, Stream
from meters.formats._numbers import Scale
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

EPOCH_ORDINAL = 719163
_RAW = int(Status.RAW)
_SUFFIX = re.compile(r"[A-Z][0-9A-Z]")


def _suffixes(configuration: str) -> tuple[str, ...]:
    """Return the suffixes of an NMIConfiguration, none where it is no row of them.

    >>> _suffixes("E1B1Q1"), _suffixes("unknown")
    (('E1', 'B1', 'Q1'), ())
    """
    found = _SUFFIX.findall(configuration)
    return tuple(found) if "".join(found) == configuration else ()


@dataclass
class SpecialDay:
    """Status, method and flags of a day that is not plain actual data."""

    status: np.ndarray
    method: np.ndarray
    flags: list[Flag]


@dataclass
class DayGroup:
    """All days of one channel and interval length inside the window."""

    stream: Stream
    days: list[np.ndarray] = field(default_factory=list)
    stamps: list[np.ndarray] = field(default_factory=list)
    lines: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)
    special: dict[int, SpecialDay] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    configurations: set[str] = field(default_factory=set)
    rows: int = 0

    def add(
        self, days: np.ndarray, stamps: np.ndarray, lines: np.ndarray, values: np.ndarray
    ) -> None:
        """Add rows of plain actual days."""
        self.days.append(days)
        self.stamps.append(stamps)
        self.lines.append(lines)
        self.values.append(values)
        self.rows += len(days)

    def add_special(
        self, day: int, stamp: int, line: int, values: np.ndarray, special: SpecialDay
    ) -> None:
        """Add one day with its own statuses."""
        self.special[self.rows] = special
        self.add(np.array([day]), np.array([stamp]), np.array([line]), values[None, :])

    def blocks(self, offset_minutes: int, claims: Claims) -> Iterator[ChannelBlock | RowError]:
        """Yield blocks of consecutive days, and the days that cannot be taken."""
        for item in self._items(offset_minutes, claims):
            if isinstance(item, ChannelBlock):
                item.serials = tuple(self.serials.items())
                item.channels_said = tuple(map(_suffixes, sorted(self.configurations)))
            yield item

    def _items(self, offset_minutes: int, claims: Claims) -> Iterator[ChannelBlock | RowError]:
        plain = self._plain_block(offset_minutes, claims)
        if plain is not None:
            yield plain
            return
        parts = (self.days, self.stamps, self.lines, self.values)
        days, stamps, lines, values = (p[0] if len(p) == 1 else np.concatenate(p) for p in parts)
        matrix = _Matrix(self, days, stamps, lines, values)
        keep = np.ones(len(days), dtype=bool)
        if self.stream.factor != 1:
            yield from matrix.scale(keep)
        steps = days[1:] - days[:-1]
        if (steps == 1).all() and keep.all():
            yield from matrix.emit(slice(None), offset_minutes, claims)
            return
        if (steps <= 0).any():
            yield from matrix.resolve(keep)
        order = np.lexsort((stamps, days))
        rows = order[keep[order]]
        cuts = np.flatnonzero(np.diff(days[rows]) != 1) + 1
        for part in np.split(rows, cuts):
            if len(part):
                yield from matrix.emit(part, offset_minutes, claims)

    def _plain_block(self, offset_minutes: int, claims: Claims) -> ChannelBlock | None:
        """Return the block of the usual case: one run of plain days, nothing to convert."""
        days, stream = self.days[0], self.stream
        if len(self.days) > 1 or self.special or stream.factor != 1:
            return None
        count = len(days)
        first = int(days[0])
        if count > 1 and not (days[1:] - days[:-1] == 1).all():
            return None
        start = (first - EPOCH_ORDINAL) * 1440 - offset_minutes
        if claims.overlap(stream.channel, start, start + count * 1440) is not None:
            return None
        claims.add(stream.channel, start, start + count * 1440)
        size = count * stream.intervals
        stamp = int(self.stamps[0].max())
        return ChannelBlock(
            stream.channel,
            stream.unit,
            stream.minutes,
            at_second(start * 60),
            self.values[0].reshape(-1),
            np.full(size, _RAW, dtype=np.uint8),
            np.zeros(size, dtype=np.uint8),
            self.lines[0].repeat(stream.intervals),
            [],
            f"{stamp:014d}" if stamp else "",
        )


class _Matrix:
    """Rows (days) by columns (intervals) of one group."""

    def __init__(
        self,
        group: DayGroup,
        days: np.ndarray,
        stamps: np.ndarray,
        lines: np.ndarray,
        values: np.ndarray,
    ) -> None:
        self.stream = group.stream
        self.special = group.special
        self.days, self.stamps, self.lines, self.values = days, stamps, lines, values

    def error(
        self, row: int, code: str, message: str, severity: Severity = Severity.REJECT
    ) -> RowError:
        """Return the row error of a day."""
        day = at_second((int(self.days[row]) - EPOCH_ORDINAL) * 86400).date()
        line = int(self.lines[row])
        text = f"Line {line}, {self.stream.channel} {day}: {message}"
        return RowError(
            line, "IntervalDate", code, clip(text), self.stream.channel, self.stream.raw, line,
            severity,
        )  # fmt: skip

    def scale(self, keep: np.ndarray) -> Iterator[RowError]:
        """Convert to the canonical unit; a day that would lose digits is not taken."""
        self.values, exact = Scale(self.stream.factor).apply(self.values)
        for row in np.flatnonzero(~exact.all(axis=1)).tolist():
            keep[row] = False
            yield self.error(
                row,
                "R103",
                f"in {self.stream.unit} a value needs more than 6 decimals or is too large",
            )

    def resolve(self, keep: np.ndarray) -> Iterator[RowError]:
        """Leave one row per day: the greatest UpdateDateTime wins; a differing tie takes none."""
        _, inverse, counts = np.unique(self.days, return_inverse=True, return_counts=True)
        for at in np.flatnonzero(counts > 1).tolist():
            rows = np.flatnonzero((inverse == at) & keep)
            if len(rows) < 2:
                continue
            newest = self.stamps[rows].max()
            winners = rows[self.stamps[rows] == newest]
            losers = rows[self.stamps[rows] != newest]
            first = int(winners[0])
            keep[rows] = False
            if all(self._same(first, int(other)) for other in winners[1:]):
                keep[first] = True
                yield from self._remarks(first, winners[1:], losers)
                continue
            others = ", ".join(str(self.lines[w]) for w in winners)
            for row in winners.tolist():
                yield self.error(
                    row,
                    "R301",
                    f"lines {others} give this day different values with the same "
                    "UpdateDateTime; send it once",
                )

    def _same(self, one: int, other: int) -> bool:
        a, b = self.special.get(one), self.special.get(other)
        if not np.array_equal(self.values[one], self.values[other]) or (a is None) != (b is None):
            return False
        return a is None or b is None or np.array_equal(a.status, b.status)

    def _remarks(self, first: int, copies: np.ndarray, losers: np.ndarray) -> Iterator[RowError]:
        for row in copies.tolist():
            text = f"the same data as line {self.lines[first]}; taken once"
            yield self.error(row, "W301", text, Severity.WARN)
        for row in losers.tolist():
            text = f"replaced by line {self.lines[first]}, which has a later UpdateDateTime"
            yield self.error(row, "W302", text, Severity.WARN)

    def emit(
        self, rows: np.ndarray | slice, offset_minutes: int, claims: Claims
    ) -> Iterator[ChannelBlock | RowError]:
        """Yield consecutive days as one block, less what the file delivered before the window."""
        channel = self.stream.channel
        starts = (self.days[rows] - EPOCH_ORDINAL) * 1440 - offset_minutes
        if claims.overlap(channel, int(starts[0]), int(starts[-1]) + 1440) is None:
            claims.add(channel, int(starts[0]), int(starts[-1]) + 1440)
            yield self._block(rows, int(starts[0]))
            return
        for row, start in zip(self._numbers(rows), starts.tolist(), strict=True):
            if claims.overlap(channel, start, start + 1440) is None:
                claims.add(channel, start, start + 1440)
                yield self._block(np.array([row]), start)
            else:
                yield self.error(
                    row, "R301", "the file already gave this day; send each day in one place"
                )

    def _numbers(self, rows: np.ndarray | slice) -> list[int]:
        return np.arange(len(self.days))[rows].tolist()

    def _block(self, rows: np.ndarray | slice, start_minute: int) -> ChannelBlock:
        count = self.stream.intervals
        values = self.values[rows].reshape(-1)
        size = len(values)
        status = np.full(size, int(Status.RAW), dtype=np.uint8)
        method = np.zeros(size, dtype=np.uint8)
        flags: list[Flag] = []
        if self.special:
            for position, row in enumerate(self._numbers(rows)):
                special = self.special.get(row)
                if special is not None:
                    at = position * count
                    status[at : at + count] = special.status
                    method[at : at + count] = special.method
                    flags += [(at + a, at + b, code, dict(d)) for a, b, code, d in special.flags]
        status[values == MISSING] = int(Status.MISSING)
        stamp = int(self.stamps[rows].max())
        return ChannelBlock(
            self.stream.channel,
            self.stream.unit,
            self.stream.minutes,
            at_second(start_minute * 60),
            values,
            status,
            method,
            np.repeat(self.lines[rows], count),
            flags,  # type: ignore[arg-type]
            f"{stamp:014d}" if stamp else "",
        )
