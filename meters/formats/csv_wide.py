"""Our wide CSV: one channel-day per row, one column per interval; vectorised, strict, streaming.

Columns ``meter_id,channel,date,unit`` and value labels (see ``_wide_columns``), with optional
``_q`` quality columns. Dates are local days of the profile's zone. A blank is missing, not zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import BinaryIO
from zoneinfo import ZoneInfo

import numpy as np

from meters.formats._base import REFUSE_FILE, ChannelBlock, Profile, RowError, formats, printable
from meters.formats._csv import (
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
from meters.formats._quality import csv_quality
from meters.formats._rows import Batch, RowKind, RowWindow
from meters.formats._tables import Table, csv_table
from meters.formats._text import RowFault, check_id, chunks, refuse, split_line
from meters.formats._units import unit_of
from meters.formats._wide_columns import DayMap, check_twins, is_value_name, value_columns
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

KNOWN = ("meter_id", "channel", "date", "unit", "status")
REQUIRED = ("meter_id", "channel", "date", "unit")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Item = ChannelBlock | RowError


@formats.register("csv_wide@1")
class CsvWide:
    """CSV, one channel-day per row."""

    title = "CSV, one day per row"
    on_row_error = REFUSE_FILE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first line names days and value columns."""
        first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace")
        names = first.strip().split(",")
        return "date" in names and sum(map(is_value_name, names)) >= 20

    @staticmethod
    def table(stream: BinaryIO, profile: Profile) -> Table:
        """Return the head of the table for the mapping of its columns."""
        return without_values(csv_table(stream, KNOWN, REQUIRED, profile))

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks and row errors; raise ``Refused`` for the envelope."""
        return _Reader(profile).read(stream)


def without_values(table: Table) -> Table:
    """Return a table whose columns of values are named by their labels, and need no mapping."""
    values = {name for name in table.header if is_value_name(name)}
    named = values | {f"{name}_q" for name in values}
    return replace(table, header=tuple(name for name in table.header if name not in named))


class _Reader:
    """Reads channel-days; the cells of regular rows as one array."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        zone = zone_of(profile)
        if zone is None:
            refuse("R003", "A wide CSV has local dates; set the zone in the import profile.")
        self.zone: ZoneInfo = zone
        self.window = RowWindow(profile, zone)
        self.thousands = str(profile.options.get("thousands", ""))
        self.quality = csv_quality(profile.quality_map)
        self.kinds: dict[tuple[str, str, str, str], int] = {}
        self.dates: dict[str, date] = {}
        self.header = Header((), {}, {})

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for names, chunk in with_header(
            chunks(stream, first_line=first_line(self.profile)), self.profile
        ):
            if names is not None:
                self._columns(names)
            if chunk.data:
                yield from self._chunk(chunk.data, chunk.first_line)
            if self.window.full:
                yield from self.window.flush(last=False)
        yield from self.window.flush(last=True)

    def _columns(self, names: list[str]) -> None:
        self.values = value_columns(names, self.profile.label)
        used = set(self.values.names) | {f"{name}_q" for name in self.values.names}
        roles = [name for name in names if name not in used]
        known = roles_of(roles, self.profile, KNOWN, REQUIRED)
        where = {role: names.index(roles[at]) for role, at in known.column.items()}
        self.header = Header(tuple(names), where, known.constant)
        self.days = DayMap(self.values, self.zone)

    def _chunk(self, data: bytes, first_line: int) -> Iterator[Item]:
        index = index_lines(data, len(self.header.names))
        regular = np.flatnonzero(index.regular)
        cells = self._cells(index, regular)
        position = np.full(len(index.start), -1)
        position[regular] = np.arange(len(regular))
        for at in range(len(index.start)):
            text = index.text(at)
            try:
                fields = self._fields(text, first_line + at)
                row = int(position[at])
                values, good = (None, None) if row < 0 else (cells[0][row], cells[1][row])
                self._day(fields, first_line + at, values, good)
            except RowFault as fault:
                yield row_error(fault, first_line + at, text)

    def _cells(self, index: LineIndex, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parse the value cells of regular lines; a blank is missing and good."""
        at = index.first[lines][:, None] + self.values.column
        start, end = (index.separators[at - 1] + 1).ravel(), index.separators[at].ravel()
        values, good = micro_fields(index.buffer, start, end)
        blank = start == end
        values[blank] = MISSING
        shape = (len(lines), len(self.values.column))
        return values.reshape(shape), (good | blank).reshape(shape)

    def _fields(self, text: str, line: int) -> list[str]:
        if not text:
            raise RowFault("R001", "", "the row is empty; remove it")
        fields = split_line(text, line)
        if len(fields) != len(self.header.names):
            raise length_fault(fields, len(self.header.names))
        return fields

    def _day(
        self, fields: list[str], line: int, values: np.ndarray | None, good: np.ndarray | None
    ) -> None:
        """Take one channel-day."""
        day = self._date(self.header.text("date", fields))
        if values is None or good is None or not good.all():
            values = self._careful(fields)
        else:
            values = values.copy()
        seconds, absent, twins = self.days.of(day)
        wrong = absent & (values != MISSING)
        if wrong.any():
            name = self.values.names[int(np.argmax(wrong))]
            raise RowFault("R004", name, f"{name} does not exist on {day}; leave it blank")
        if twins.any():
            check_twins(self.values, twins & ~absent, values != MISSING)
        kind = self._qualities(fields, values)
        stay = ~absent
        count = int(stay.sum())
        self.window.add(
            Batch(
                kind[stay],
                seconds[stay] + self._label_shift(),
                values[stay],
                np.full(count, line),
                np.zeros(count, dtype=bool),
            )
        )

    def _label_shift(self) -> int:
        """Return what the window will subtract under END; the columns already name begins."""
        return self.values.minutes * 60 if self.profile.label == "END" else 0

    def _careful(self, fields: list[str]) -> np.ndarray:
        texts = [fields[c] for c in self.values.column.tolist()]
        return np.array(
            [
                MISSING if text == "" else micro_of(text, name, thousands=self.thousands)
                for name, text in zip(self.values.names, texts, strict=True)
            ],
            dtype=np.int64,
        )

    def _qualities(self, fields: list[str], values: np.ndarray) -> np.ndarray:
        """Return the kind of each cell; quality N makes its value missing."""
        default = self.header.text("status", fields) or "A"
        kinds = np.empty(len(values), dtype=np.int64)
        columns = self.values.quality
        if (columns < 0).all():
            letters = {default: np.ones(len(values), dtype=bool)}
        else:
            found = np.array([fields[c] if c >= 0 else default for c in columns.tolist()])
            found[(found == "") & (values == MISSING)] = default
            letters = {str(letter): found == letter for letter in np.unique(found)}
        for letter, where in letters.items():
            kinds[where] = self._kind(fields, letter)
            if self.window.kinds[int(kinds[where][0])].status == Status.MISSING:
                values[where] = MISSING
        return kinds

    def _kind(self, fields: list[str], letter: str) -> int:
        meter, channel, unit = (
            self.header.text(r, fields) for r in ("meter_id", "channel", "unit")
        )
        key = (meter, channel, unit, letter)
        if key not in self.kinds:
            check_id(meter, "meter_id")
            check_id(channel, "channel")
            canonical, factor = unit_of(unit, self.profile, "unit")
            if letter not in self.quality:
                raise RowFault("R203", "quality", f"quality '{printable(letter)}' is not known")
            state, method = self.quality[letter]
            kind = RowKind(
                f"{meter}/{channel}", canonical, factor, self.values.minutes, state, method
            )
            self.kinds[key] = len(self.window.kinds)
            self.window.kinds.append(kind)
        return self.kinds[key]

    def _date(self, text: str) -> date:
        if text not in self.dates:
            try:
                day = date.fromisoformat(text) if _DATE.fullmatch(text) and text.isascii() else None
            except ValueError:
                day = None
            if day is None or not 1990 <= day.year <= 2100:
                raise RowFault("R002", "date", f"date '{printable(text)}' is not yyyy-mm-dd")
            self.dates[text] = day
        return self.dates[text]
