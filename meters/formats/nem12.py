"""NEM12 interval data (AEMO meter data file format): vectorised, strict, streaming.

Records 100 header, 200 channel, 300 day of values, 400 qualities of parts of a day, 500 index
reads (not interval data, passed over), 900 end. Times are fixed-offset standard time, by default
UTC+10; a day always has 24 hours. Units convert to kWh and the like; quality ``N`` is missing,
never zero. The same day twice: the greater UpdateDateTime wins, a differing tie takes neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from meters.formats._base import (
    QUARANTINE,
    RAW_LIMIT,
    ChannelBlock,
    Profile,
    RowError,
    clip,
    formats,
    printable,
)
from meters.formats._claims import Claims
from meters.formats._days import DayGroup, SpecialDay
from meters.formats._fixed_zone import DEFAULT_ZONE, fixed_offset_minutes
from meters.formats._nem12_index import ChunkIndex, index_chunk
from meters.formats._nem12_records import (
    OpenDay,
    Part,
    Stream,
    apply_quality,
    check_100,
    check_400,
    read_200,
    read_300,
)
from meters.formats._text import RowFault, chunks, refuse, split_line
from poweroptix.kernel.finding import Severity

WINDOW_INTERVALS = 2_000_000

Item = ChannelBlock | RowError


@formats.register("nem12@1")
class Nem12:
    """NEM12: 30/15/5-minute interval data of the Australian market."""

    title = "NEM12 (AEMO interval data)"
    on_row_error = QUARANTINE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first bytes look like NEM12."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"100,NEM12")

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks and row errors; raise ``Refused`` F001..F028 for the envelope."""
        return _Reader(profile).read(stream)


class _Reader:
    """Walks the records; plain 300 records in runs, all others one by one."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.offset = fixed_offset_minutes(profile.zone or DEFAULT_ZONE)
        self.window = int(profile.options.get("window_intervals", WINDOW_INTERVALS))
        self.claims = Claims()
        self.groups: dict[tuple[str, int, str], DayGroup] = {}
        self.held = 0
        self.started = self.ended = self.any_day = False
        self.stream: Stream | None = None
        self.last_line = 0
        self.day: OpenDay | None = None

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for chunk in chunks(stream, final_break=False):
            yield from self._chunk(index_chunk(chunk.data), chunk.first_line)
        if not self.ended:
            refuse(
                "F022",
                f"There is no 900 record after line {self.last_line}: the file is cut. "
                "Send the whole file again.",
                line=self.last_line,
            )
        if not self.any_day:
            text = "The file has a header and an end but no readings."
            yield RowError(self.last_line, "", "W001", text, severity=Severity.WARN)
        yield from self._flush()

    def _chunk(self, index: ChunkIndex, first_line: int) -> Iterator[Item]:
        plain = index.row_of_line >= 0
        plain[plain] = index.plain
        done = 0
        for at in np.flatnonzero(~plain).tolist():
            if at > done:
                yield from self._plain_days(index, done, at, first_line)
            yield from self._record(index, at, first_line + at)
            done = at + 1
        if done < len(plain):
            yield from self._plain_days(index, done, len(plain), first_line)
        if self.held >= self.window:
            yield from self._flush()

    # -- records ------------------------------------------------------------------------------

    def _record(self, index: ChunkIndex, at: int, line: int) -> Iterator[Item]:
        kind = int(index.kind[at])
        if kind == 0:
            return
        self._envelope(kind, index, at, line)
        self.last_line = line
        if kind == 400:
            self._variable_part(index.line(at), line)
            return
        if self.day is not None:
            yield from self._close_day()
        if kind == 200:
            if self.stream is not None and self.stream.fault:
                yield from self._close_stream()
            text = index.line(at)
            self.stream = read_200(split_line(text, line), line, text[:RAW_LIMIT], self.profile)
        elif kind == 300:
            self._day(index, at, line)
        elif kind == 900:
            yield from self._close_stream()
            self.ended = True

    def _envelope(self, kind: int, index: ChunkIndex, at: int, line: int) -> None:
        """Refuse the file when the order of records is wrong."""
        if self.ended:
            refuse("F023", f"Line {line} comes after the 900 record.", line=line)
        if not self.started:
            self.started = True
            if kind == 100:
                check_100(split_line(index.line(at), line), line)
                return
            if not self.profile.assume_header:
                refuse(
                    "F020",
                    f"Line {line}: the file does not begin with a 100 record; found "
                    f"'{printable(index.line(at), 40)}'.",
                    line=line,
                )
        elif kind == 100:
            refuse("F023", f"Line {line}: a second 100 record.", line=line)
        if kind not in (200, 300, 400, 500, 900):
            shown = printable(index.line(at).split(",")[0], 20)
            refuse("F025", f"Line {line}: '{shown}' is not a NEM12 record.", line=line)
        if kind in (300, 400) and self.stream is None:
            refuse("F021", f"Line {line}: a {kind} record before any 200 record.", line=line)
        if kind == 900 and index.line(at).strip(",") != "900":
            refuse("F025", f"Line {line}: the 900 record has extra fields.", line=line)

    def _plain_days(self, index: ChunkIndex, a: int, b: int, first_line: int) -> Iterator[Item]:
        """Take a run of plain 300 records at once."""
        if self.ended or not self.started or self.stream is None:
            self._envelope(300, index, a, first_line + a)
        if self.day is not None:
            yield from self._close_day()
        stream = self.stream
        self.last_line = first_line + b - 1
        if stream is None or stream.fault:
            return
        r0, r1 = int(index.row_of_line[a]), int(index.row_of_line[b - 1]) + 1
        self.any_day = True
        counts = index.counts[r0:r1]
        if counts[0] != stream.intervals or (b - a > 1 and (counts != stream.intervals).any()):
            for at in range(a, b):
                yield from self._close_day()
                self._day(index, at, first_line + at)
            return
        values = index.values[index.offsets[r0] : index.offsets[r1]]
        lines = np.arange(first_line + a, first_line + b)
        group = self._group(stream)
        group.add(index.day[r0:r1], index.stamp[r0:r1], lines, values.reshape(-1, stream.intervals))
        self.held += len(values)

    def _day(self, index: ChunkIndex, at: int, line: int) -> None:
        """Take one 300 record by itself."""
        stream = self.stream
        self.any_day = True
        if stream is None or stream.fault:
            return
        text = index.line(at)
        fields = split_line(text, line)
        row = int(index.row_of_line[at])
        try:
            if row >= 0 and index.valued[row] and index.counts[row] == stream.intervals:
                r = slice(index.offsets[row], index.offsets[row + 1])
                day, values = int(index.day[row]), index.values[r].copy()
            else:
                date, values = read_300(fields, stream)
                day = date.toordinal()
            quality, reason, remark, stamp = fields[-5:-1]
            if quality == "V":
                self.day = OpenDay(line, [text[:RAW_LIMIT]], day, int(stamp or 0), values)
                return
            parts = [(0, stream.intervals, quality, reason, remark)]
            self._take(stream, day, int(stamp or 0), line, values, parts)
        except RowFault as fault:
            self.day = OpenDay(line, [text[:RAW_LIMIT]], faults=[fault])

    def _variable_part(self, text: str, line: int) -> None:
        stream = self.stream
        if stream is None or stream.fault:
            return
        fields = split_line(text, line)
        check_400(fields, line, text)
        if self.day is None:
            refuse(
                "F026",
                f"Line {line}: a 400 record without a 300 record of quality V before it.",
                line=line,
            )
        self.day.add(fields, line, text[:RAW_LIMIT], stream.intervals)

    # -- closing ------------------------------------------------------------------------------

    def _close_day(self) -> Iterator[Item]:
        """Finish a 300 record of quality V once its 400 records are over."""
        day, stream = self.day, self.stream
        if day is None or stream is None:
            return
        self.day = None
        try:
            day.check(stream.intervals)
            if day.values is not None:
                self._take(stream, day.day, day.stamp, day.line, day.values, day.parts)
        except RowFault as fault:
            last = max(day.line, day.last_line)
            yield self._error(stream, fault, day.line, last, "\n".join(day.raw))

    def _take(
        self,
        stream: Stream,
        day: int,
        stamp: int,
        line: int,
        values: np.ndarray,
        parts: list[Part],
    ) -> None:
        special = SpecialDay(*apply_quality(values, parts))
        self._group(stream).add_special(day, stamp, line, values, special)
        self.held += len(values)

    def _close_stream(self) -> Iterator[Item]:
        """Report a 200 record whose days cannot be taken."""
        stream = self.stream
        if stream is not None and stream.fault:
            yield self._error(stream, stream.fault, stream.line, self.last_line - 1, stream.raw)

    def _error(self, stream: Stream, fault: RowFault, line: int, last: int, raw: str) -> RowError:
        where = f"Line {line}, {stream.channel}: {fault.message}."
        text = raw if raw.startswith("200") else f"{stream.raw}\n{raw}"
        return RowError(
            line, fault.field, fault.code, clip(where), stream.channel, text[:RAW_LIMIT], last
        )

    def _group(self, stream: Stream) -> DayGroup:
        key = (stream.channel, stream.minutes, f"{stream.unit} {stream.factor}")
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = DayGroup(stream)
        if stream.serial:
            group.serials.setdefault(stream.serial, stream.line)
        group.configurations.add(stream.configuration)
        return group

    def _flush(self) -> Iterator[Item]:
        groups, self.groups, self.held = self.groups, {}, 0
        for group in groups.values():
            yield from group.blocks(self.offset, self.claims)
