"""Elexon D0036, validated half-hourly advances to a supplier: strict, streaming.

Records ZHV header, 101 metering system and measurement quantity, 102 settlement date, 103 one half
hour, ZPT trailer with the number of records. A settlement date is a local day: 46, 48 or 50 half
hours, in order from 00:00. A day is taken whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO
from zoneinfo import ZoneInfo

import numpy as np

from meters.formats._base import (
    QUARANTINE,
    Item,
    Profile,
    RowError,
    clip,
    formats,
    printable,
)
from meters.formats._csv import zone_of
from meters.formats._numbers import micro_of
from meters.formats._rows import Batch, RowKind, RowWindow
from meters.formats._text import RowFault, chunks, refuse
from meters.formats._units import unit_of
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import day_start
from poweroptix.kernel.quality import Method, Status

DEFAULT_ZONE = "Europe/London"
MINUTES = 30
FLOW = "D0036001"
UNITS = {"AI": "kWh", "AE": "kWh", "RI": "kVArh", "RE": "kVArh"}
_QUALITY = {
    "A": (Status.RAW, Method.NONE),
    "E": (Status.ESTIMATED, Method.SOURCE),
    "C": (Status.MISSING, Method.NONE),
}
_MPAN = re.compile(r"[0-9]{13}")
_PRIMES = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)
_DATE = re.compile(r"[0-9]{8}")


@formats.register("d0036@1")
class D0036:
    """D0036: half-hourly advances of the British market."""

    title = "D0036 (Elexon half-hourly advances)"
    on_row_error = QUARANTINE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the header record names the flow D0036."""
        first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].split(b"|")
        return first[0] == b"ZHV" and len(first) > 2 and first[2].startswith(b"D0036")

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks and row errors; raise ``Refused`` F020..F026 for the envelope."""
        return _Reader(profile).read(stream)


class _Reader:
    """Walks the records; the half hours of a day wait until the day is over."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.zone = zone_of(profile) or ZoneInfo(DEFAULT_ZONE)
        self.window = RowWindow(profile, self.zone)
        self.kinds: dict[RowKind, int] = {}
        self.channel, self.unit = "", ""
        self.fault: RowFault | None = None  # why nothing of this 101 is taken
        self.date_text = ""
        self.day_line = 0
        self.half_hours: list[tuple[str, str]] = []
        self.reference = ""
        self.between = self.groups = 0
        self.started = self.ended = False

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        line = 0
        for chunk in chunks(stream, final_break=False):
            lines = chunk.data.decode().split("\n")[:-1]
            for line, text in enumerate(lines, chunk.first_line):
                if text.strip():
                    yield from self._record(text, line)
            if self.window.full:
                yield from self.window.flush(last=False)
        if not self.ended:
            refuse(
                "F022",
                f"There is no ZPT record after line {line}: the file is cut. Send the whole file "
                "again.",
                line=line,
            )
        yield from self.window.flush(last=True)

    def _record(self, text: str, line: int) -> Iterator[RowError]:
        """Take one record in its order."""
        fields = text.split("|")
        kind = fields[0]
        if self.ended:
            refuse("F023", f"Line {line} comes after the ZPT record.", line=line)
        if not self.started:
            self._header(fields, line)
            return
        if kind != "ZPT":
            self.between += 1
        if kind == "103":
            self._half_hour(fields, line)
            return
        yield from self._close_day(line - 1)
        if kind == "101":
            self._stream(fields, line)
            if self.fault is not None:
                message = clip(f"Line {line}, {self.channel}: {self.fault.message}.")
                yield RowError(
                    line, self.fault.field, self.fault.code, message, self.channel, text, line
                )
        elif kind == "102":
            self._day(fields, line)
        elif kind == "ZPT":
            self._trailer(fields, line)
        else:
            shown = printable(kind, 20)
            refuse("F025", f"Line {line}: '{shown}' is not a record of D0036.", line=line)

    # -- envelope ---------------------------------------------------------------------------------

    def _header(self, fields: list[str], line: int) -> None:
        if fields[0] != "ZHV" or len(fields) < 3 or fields[2] != FLOW:
            found = printable("|".join(fields), 40)
            refuse(
                "F020",
                f"Line {line}: the file does not begin with a ZHV record of {FLOW}; found "
                f"'{found}'.",
                line=line,
            )
        self.started, self.reference = True, fields[1]

    def _trailer(self, fields: list[str], line: int) -> None:
        """Check that nothing is missing: reference, number of records, number of 101 records.

        The third field is a checksum that most senders leave empty; it is not judged.
        """
        self.ended = True
        reference, records, _checksum, groups = [*fields[1:5], "", "", "", ""][:4]
        for name, found, wanted in (
            ("reference", reference, self.reference),
            ("records", records, str(self.between)),
            ("groups", groups, str(self.groups)),
        ):
            if found != wanted:
                refuse(
                    "F029",
                    f"Line {line}: the ZPT record says {name} '{printable(found)}', the file has "
                    f"'{printable(wanted)}': a part is missing. Send the whole file again.",
                    line=line,
                    field=name,
                )

    # -- records ----------------------------------------------------------------------------------

    def _stream(self, fields: list[str], line: int) -> None:
        """Begin a metering system and quantity."""
        self.groups += 1
        self.date_text, self.fault = "", None
        mpan, quantity = (*fields[1:3], "", "")[:2]
        self.channel = printable(f"{mpan}/{quantity}")
        if quantity not in UNITS:
            known = ", ".join(UNITS)
            text = f"measurement quantity '{printable(quantity)}' is not one of {known}"
            self.fault = RowFault("R204", "measurement quantity", text)
        elif not is_mpan(mpan):
            text = f"MPAN '{printable(mpan)}' is not 13 digits with a right check digit"
            self.fault = RowFault("R202", "MPAN", text)
        else:
            try:
                self.unit, self.factor = unit_of(
                    UNITS[quantity], self.profile, "measurement quantity"
                )
            except RowFault as fault:  # the unit of the profile
                self.fault = fault

    def _day(self, fields: list[str], line: int) -> None:
        if not self.channel:
            refuse("F021", f"Line {line}: a 102 record before any 101 record.", line=line)
        self.date_text, self.day_line = (*fields[1:2], "")[0], line

    def _half_hour(self, fields: list[str], line: int) -> None:
        if not self.day_line or not self.channel:
            refuse("F021", f"Line {line}: a 103 record before any 102 record.", line=line)
        indicator, text = (*fields[1:3], "", "")[:2]
        self.half_hours.append((indicator, text))

    def _close_day(self, last: int) -> Iterator[RowError]:
        """Take the day that waits whole, or say why not."""
        half_hours, self.half_hours = self.half_hours, []
        line, self.day_line = self.day_line, 0
        if not line or self.fault is not None:
            return
        try:
            self._take(half_hours, line)
        except RowFault as fault:
            where = f"Lines {line} to {last}, {self.channel} {printable(self.date_text)}"
            message = clip(f"{where}: {fault.message}.")
            raw = f"102|{self.date_text}|"
            yield RowError(line, fault.field, fault.code, message, self.channel, raw, last)

    def _take(self, half_hours: list[tuple[str, str]], line: int) -> None:
        day = _date(self.date_text)
        start = day_start(day, self.zone.key)
        length = day_start(day + timedelta(days=1), self.zone.key) - start
        need = length // timedelta(minutes=MINUTES)
        if len(half_hours) != need:
            text = f"the day has {need} half hours in {self.zone.key}, found {len(half_hours)}"
            raise RowFault("R401", "half hours", text)
        kinds, values = [], []
        for number, (indicator, text) in enumerate(half_hours, 1):
            if indicator not in _QUALITY:
                shown = f"indicator '{printable(indicator)}' of half hour {number} is not A, E or C"
                raise RowFault("R203", f"half hour {number}", shown)
            status, method = _QUALITY[indicator]
            kinds.append(self._kind(status, method))
            missing = status == Status.MISSING
            values.append(MISSING if missing else micro_of(text, f"half hour {number}"))
        first = int((start - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
        steps = np.arange(need)
        self.window.add(
            Batch(
                np.array(kinds, np.int64),
                first + steps * MINUTES * 60,
                np.array(values, np.int64),
                line + 1 + steps,
                np.zeros(need, bool),
            )
        )

    def _kind(self, status: Status, method: Method) -> int:
        kind = RowKind(self.channel, self.unit, self.factor, MINUTES, status, method)
        if kind not in self.kinds:
            self.kinds[kind] = len(self.window.kinds)
            self.window.kinds.append(kind)
        return self.kinds[kind]


def _date(text: str) -> date:
    """Return a settlement date; raise ``RowFault`` R002."""
    if _DATE.fullmatch(text):
        try:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            day = None
        if day is not None and 1990 <= day.year <= 2100:
            return day
    raise RowFault("R002", "settlement date", f"date '{printable(text)}' is not a yyyymmdd date")


def is_mpan(text: str) -> bool:
    """Tell whether a text is a core MPAN: 13 digits, the last one the check digit.

    >>> is_mpan("2000000000006"), is_mpan("2000000000007")
    (True, False)
    """
    if not _MPAN.fullmatch(text):
        return False
    total = sum(int(digit) * prime for digit, prime in zip(text, _PRIMES, strict=False))
    return total % 11 % 10 == int(text[12])
