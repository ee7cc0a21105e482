"""Our long CSV: one reading per row; vectorised, strict, streaming.

Columns ``meter_id,channel,interval_start,interval_seconds,value,unit,status[,flags]``; stamps with
offset or ``Z``. A profile with a zone also reads zone-less local labels (BEGIN or END) and settles
the repeated hour of autumn by file order; see docs/formats/csv_long.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from meters.formats._base import REFUSE_FILE, ChannelBlock, Profile, RowError, formats, printable
from meters.formats._csv import (
    MINUTES,
    Header,
    LineIndex,
    first_line,
    index_lines,
    length_fault,
    roles_of,
    row_error,
    with_header,
    zone_of,
)
from meters.formats._digits import micro_fields
from meters.formats._numbers import micro_of
from meters.formats._quality import NEM_FLAG, csv_quality
from meters.formats._rows import Batch, Poison, RowKind, RowWindow
from meters.formats._stamps import iso_fields, parse_stamp, resolve_local
from meters.formats._tables import Table, csv_table
from meters.formats._text import RowFault, check_id, chunks, refuse, split_line
from meters.formats._units import unit_of
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

KNOWN = (
    "meter_id", "channel", "interval_start", "interval_seconds", "value", "unit", "status", "flags",
)  # fmt: skip
REQUIRED = KNOWN[:6]
TEXT_ROLES = ("meter_id", "channel", "interval_seconds", "unit", "status", "flags")
DEVICE_FLAGS = frozenset(NEM_FLAG.values())
Item = ChannelBlock | RowError


@formats.register("csv_long@1")
class CsvLong:
    """CSV, one reading per row."""

    title = "CSV, one reading per row"
    on_row_error = REFUSE_FILE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first line names the columns of the long CSV."""
        first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
        return b"interval_start" in first and b"value" in first

    @staticmethod
    def table(stream: BinaryIO, profile: Profile) -> Table:
        """Return the head of the table for the mapping of its columns."""
        return csv_table(stream, KNOWN, REQUIRED, profile)

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks and row errors; raise ``Refused`` for the envelope."""
        return _Reader(profile).read(stream)


@dataclass(frozen=True)
class _Row:
    kind: int
    stamp: int
    value: int
    local: bool


class _Reader:
    """Reads rows; regular ones as arrays, all others with care."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.zone = zone_of(profile)
        self.window = RowWindow(profile, self.zone)
        self.pattern = str(profile.options.get("stamp_format", ""))
        self.thousands = str(profile.options.get("thousands", ""))
        self.quality = csv_quality(profile.quality_map)
        self.texts: dict[tuple[str, ...], int | RowFault] = {}
        self.header = Header((), {}, {})
        self.rows = 0

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for names, chunk in with_header(
            chunks(stream, first_line=first_line(self.profile)), self.profile
        ):
            if names is not None:
                self.header = roles_of(names, self.profile, KNOWN, REQUIRED)
            if chunk.data:
                yield from self._chunk(chunk.data, chunk.first_line)
            if self.window.full:
                yield from self.window.flush(last=False)
        yield from self.window.flush(last=True)

    def _chunk(self, data: bytes, first_line: int) -> Iterator[Item]:
        index = index_lines(data, len(self.header.names))
        self.rows += len(index.start)
        limit = self.profile.options.get("max_rows")
        if limit and self.rows > int(limit):
            refuse("F012", f"The file has more than {limit} rows; split it or use the command.")
        count = len(index.start)
        kind = np.zeros(count, dtype=np.int64)
        stamp, value = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        local, taken = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        fast = np.flatnonzero(index.regular)
        if len(fast) and not self.pattern:
            kind[fast], stamp[fast], value[fast], taken[fast] = self._fast(index, fast)
        for at in np.flatnonzero(~taken).tolist():
            text = index.text(at)
            try:
                row = self._careful(text, first_line + at)
            except RowFault as fault:
                yield row_error(fault, first_line + at, text)
                continue
            kind[at], stamp[at], value[at], local[at] = row.kind, row.stamp, row.value, row.local
            taken[at] = True
        rows = np.flatnonzero(taken)
        lines = rows + first_line
        self.window.add(Batch(kind[rows], stamp[rows], value[rows], lines, local[rows]))

    # -- arrays -------------------------------------------------------------------------------

    def _fast(
        self, index: LineIndex, lines: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Parse regular lines at once; the mask tells which came out plain."""
        column = self.header.column
        stamp, good = iso_fields(index.buffer, *index.bounds(lines, column["interval_start"]))
        value, plain = micro_fields(index.buffer, *index.bounds(lines, column["value"]))
        good &= plain
        kind = self._kinds(index, lines)
        good &= kind >= 0
        missing = np.array([k.status == Status.MISSING for k in self.window.kinds], dtype=bool)
        if missing.any():
            value[missing[kind] & good] = MISSING
        return kind, stamp, value, good

    def _kinds(self, index: LineIndex, lines: np.ndarray) -> np.ndarray:
        """Return the kind number of each line, -1 where the careful path must look."""
        bounds = [
            index.bounds(lines, self.header.column[role])
            for role in TEXT_ROLES
            if role in self.header.column
        ]
        words = [word for start, end in bounds for word in _words(index, start, end)]
        mixed = np.zeros(len(lines), dtype=np.uint64)
        for word in words:
            mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        change = np.concatenate(([True], mixed[1:] != mixed[:-1]))
        heads = np.flatnonzero(change)
        _, first, inverse = np.unique(mixed[heads], return_index=True, return_inverse=True)
        example = heads[first]
        group = inverse[np.cumsum(change) - 1]
        same = np.ones(len(lines), dtype=bool)
        for word in words:  # equal hashes prove nothing; equal words do
            same &= word == word[example[group]]
        number = np.array([self._kind_at(index, int(lines[at])) for at in example.tolist()])
        return np.where(same, number[group], -1)

    def _kind_at(self, index: LineIndex, line: int) -> int:
        fields = index.text(line).split(",")
        try:
            return self._kind(fields)
        except RowFault:
            return -1

    # -- one row ------------------------------------------------------------------------------

    def _careful(self, text: str, line: int) -> _Row:
        if not text:
            raise RowFault("R001", "", "the row is empty; remove it")
        fields = split_line(text, line)
        if len(fields) != len(self.header.names):
            raise length_fault(fields, len(self.header.names))
        for name, field in zip(self.header.names, fields, strict=True):
            if len(field) > 255:
                raise RowFault("R009", name, f"{printable(name)} has {len(field)} characters")
        kind = self._kind(fields)
        stamp_text = self.header.text("interval_start", fields)
        stamp, absolute = parse_stamp(stamp_text, "interval_start", self.pattern)
        if not absolute and self.zone is None:
            raise RowFault(
                "R003",
                "interval_start",
                f"interval_start '{printable(stamp_text)}' has no zone; add Z or an offset such "
                "as -05:00, or set the zone in the import profile",
            )
        try:
            value = self._value(self.header.text("value", fields), kind)
        except RowFault:
            key = self.window.kinds[kind].key
            self.window.poison.append(Poison(key, self._about(stamp, absolute), line))
            raise
        return _Row(kind, stamp, value, not absolute)

    def _about(self, stamp: int, absolute: bool) -> int:
        """Return about the UTC second of a stamp, to name its day."""
        if absolute or self.zone is None:
            return stamp
        instants, _ = resolve_local(np.array([stamp]), self.zone)
        return int(instants[0])

    def _value(self, text: str, kind: int) -> int:
        missing = self.window.kinds[kind].status == Status.MISSING
        if missing and text == "":
            return MISSING
        value = micro_of(text, "value", thousands=self.thousands)
        return MISSING if missing else value

    def _kind(self, fields: list[str]) -> int:
        """Return the number of the row's kind; raise its ``RowFault`` if it has one."""
        texts = tuple(self.header.text(role, fields) for role in TEXT_ROLES)
        found = self.texts.get(texts)
        if found is None:
            try:
                kind = self._read_kind(*texts)
            except RowFault as fault:
                found = fault
            else:
                found = len(self.window.kinds)
                self.window.kinds.append(kind)
            if len(self.texts) < 1_000_000:
                self.texts[texts] = found
        if isinstance(found, RowFault):
            raise found
        return found

    def _read_kind(
        self, meter: str, channel: str, seconds: str, unit: str, status: str, flags: str
    ) -> RowKind:
        check_id(meter, "meter_id")
        check_id(channel, "channel")
        if not seconds.isascii() or seconds not in {str(m * 60) for m in MINUTES}:
            raise RowFault(
                "R006",
                "interval_seconds",
                f"interval_seconds '{printable(seconds)}' is not 60, 300, 600, 900, 1800 or 3600",
            )
        canonical, factor = unit_of(unit, self.profile, "unit")
        if "status" not in self.header.column and not status:
            status = "A"
        if status not in self.quality:
            raise RowFault("R203", "status", f"status '{printable(status)}' is not known")
        names = tuple(name for name in flags.split(";") if name)
        for name in names:
            if name not in DEVICE_FLAGS:
                raise RowFault("R203", "flags", f"flag '{printable(name)}' is not known")
        state, method = self.quality[status]
        minutes = int(seconds) // 60
        found = tuple((name, ()) for name in names)
        return RowKind(f"{meter}/{channel}", canonical, factor, minutes, state, method, found)


def _words(index: LineIndex, start: np.ndarray, end: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a text column as 64-bit words, blanked after its end, then its length."""
    lengths = end - start
    yield lengths.astype(np.uint64)
    for at in range(0, min(int(lengths.max(initial=0)), 256), 8):
        rest = np.clip(lengths - at, 0, 8)
        where = np.minimum(start + at, len(index.buffer.words) - 1)
        blank = ((8 - rest) << 3).astype(np.uint64)
        yield np.where(rest > 0, (index.buffer.words[where] << blank) >> blank, np.uint64(0))
