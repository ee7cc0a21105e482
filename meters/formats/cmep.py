"""CMEP metered data, record MEPMD01 (California Metering Exchange Protocol): strict, streaming.

One line per meter and channel: 14 fixed fields, then as many (time, flag, value) as field 14 says.
Times are interval ending, in the zone of the profile; an empty time after the first is one interval
on. Units that end in REG are reads of a cumulative register. The calculation constant is kept
beside the readings; it is not applied here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO

import numpy as np

from meters.formats._base import (
    INTERVAL_MINUTES,
    QUARANTINE,
    RAW_LIMIT,
    Item,
    Profile,
    RegisterRow,
    RowError,
    at_second,
    clip,
    formats,
    printable,
)
from meters.formats._csv import zone_of
from meters.formats._numbers import micro_of
from meters.formats._registers import RegisterWindow, dial_of
from meters.formats._rows import Batch, RowKind, RowWindow
from meters.formats._stamps import local_offset, resolve_one
from meters.formats._text import RowFault, check_id, chunks, refuse, split_line
from meters.formats._units import unit_of
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.quality import Method, Status

FIXED = 14
NO_READINGS = ("MLA01", "MEPEC01", "MEPAD01")
UNITS = {"CF": "ft3"}
_FLAG = re.compile(r"([A-Z])([0-9]{1,10})")
_TIME = re.compile(r"[0-9]{12}")
_INTERVAL = re.compile(r"00([0-9]{2})([0-9]{2})([0-9]{2})")
_QUALITY = {
    "R": (Status.RAW, Method.NONE),
    "E": (Status.ESTIMATED, Method.SOURCE),
    "N": (Status.MISSING, Method.NONE),
}


@formats.register("cmep@1")
class Cmep:
    """CMEP: interval and register data of the Californian protocol."""

    title = "CMEP (MEPMD01)"
    on_row_error = QUARANTINE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first record is one of CMEP's metered data."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"MEPMD01,")

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks, register reads and row errors; raise ``Refused`` for the envelope."""
        return _Reader(profile).read(stream)


@dataclass(frozen=True)
class _Head:
    """What the fixed fields of a record say."""

    channel: str
    unit: str
    factor: Decimal
    constant: Decimal
    minutes: int
    is_register: bool


@dataclass(frozen=True)
class _Triple:
    """One reading of a record: label (second of the local clock), flag, value as written."""

    label: int
    status: Status
    method: Method
    flag: str
    text: str


class _Reader:
    """Reads records one by one."""

    def __init__(self, profile: Profile) -> None:
        zone = zone_of(profile)
        if zone is None:
            refuse(
                "F028",
                "CMEP times have no zone and senders differ: set the zone in the import profile, "
                "UTC if the sender writes UTC.",
            )
        self.profile, self.zone = replace(profile, label="END"), zone
        self.window = RowWindow(self.profile, zone)
        self.registers = RegisterWindow()
        self.kinds: dict[RowKind, int] = {}

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for chunk in chunks(stream):
            lines = chunk.data.decode().split("\n")[:-1]
            for line, text in enumerate(lines, chunk.first_line):
                if text.strip():
                    yield from self._record(text, line)
            if self.window.full:
                yield from self.window.flush(last=False)
            if self.registers.full:
                yield from self.registers.flush()
        yield from self.window.flush(last=True)
        yield from self.registers.flush()

    def _record(self, text: str, line: int) -> Iterator[RowError]:
        """Take one record whole, or say why not."""
        fields = split_line(text, line)
        if fields[0] in NO_READINGS:
            message = f"Line {line}: {fields[0]} holds no readings; it is passed over."
            yield RowError(line, "", "W305", message, severity=Severity.WARN)
            return
        channel = printable("/".join(fields[7:11:3]))
        try:
            head = self._head(fields)
            triples = self._triples(head, fields)
            if head.is_register:
                yield from self._reads(head, triples, line)
            else:
                self._intervals(head, triples, line)
        except RowFault as fault:
            message = clip(f"Line {line}, {channel}: {fault.message}.")
            yield RowError(line, fault.field, fault.code, message, channel, text[:RAW_LIMIT], line)

    # -- fixed fields -----------------------------------------------------------------------------

    def _head(self, fields: list[str]) -> _Head:
        if fields[0] != "MEPMD01":
            text = f"record '{printable(fields[0], 20)}' is not read; send MEPMD01"
            raise RowFault("R206", "record", text)
        if len(fields) < FIXED:
            raise RowFault("R001", "", f"the record has {len(fields)} fields, at least {FIXED}")
        meter, purpose, units = fields[7], fields[8], fields[10]
        if purpose != "OK":
            text = f"purpose '{printable(purpose)}' is not OK: no plain readings"
            raise RowFault("R206", "purpose", text)
        is_register = units.upper().endswith("REG")
        name = units[:-3] if is_register else units
        check_id(meter, "meter")
        check_id(name, "units")
        unit, factor = unit_of(UNITS.get(name.upper(), name), self.profile, "units")
        constant = from_micro(micro_of(fields[11], "calculation constant"))
        if constant <= 0:
            raise RowFault(
                "R107", "calculation constant", "the calculation constant is not above 0"
            )
        minutes = _minutes(fields[12])
        if not is_register and minutes not in INTERVAL_MINUTES:
            raise RowFault("R006", "interval", f"intervals of {minutes} minutes are not read")
        count = fields[13]
        if count not in (str((len(fields) - FIXED) // 3), str((len(fields) - FIXED) // 3).zfill(2)):
            raise RowFault(
                "R001",
                "count",
                f"the record says {printable(count)} readings and has {len(fields) - FIXED} fields "
                "behind it, three a reading",
            )
        if (len(fields) - FIXED) % 3:
            raise RowFault("R001", "count", f"{len(fields) - FIXED} fields are not three a reading")
        return _Head(f"{meter}/{name}", unit, factor, constant, minutes, is_register)

    # -- readings ---------------------------------------------------------------------------------

    def _triples(self, head: _Head, fields: list[str]) -> list[_Triple]:
        """Return the readings of a record with their times filled in."""
        found: list[_Triple] = []
        blanks = False
        for at in range(FIXED, len(fields), 3):
            time, flag, text = fields[at : at + 3]
            if time == "" and found:
                label, blanks = found[-1].label + head.minutes * 60, True
            else:
                label = _label(time)
            found.append(_Triple(label, *_quality(flag, self.profile), flag, text))
        if blanks and self._changes(found[0].label, found[-1].label):
            raise RowFault(
                "R005", "time", "times are left out although the clocks change; send every time"
            )
        return found

    def _changes(self, first: int, last: int) -> bool:
        """Return whether the clock changes between two labels."""
        return local_offset(first, self.zone) != local_offset(last, self.zone)

    def _intervals(self, head: _Head, triples: list[_Triple], line: int) -> None:
        """Hand interval readings to the window."""
        kinds, values = [], []
        for triple in triples:
            values.append(
                MISSING if triple.status == Status.MISSING else micro_of(triple.text, "value")
            )
            kinds.append(self._kind(head, triple))
        if not triples:
            return
        count = len(triples)
        self.window.add(
            Batch(
                np.array(kinds, np.int64),
                np.array([triple.label for triple in triples], np.int64),
                np.array(values, np.int64),
                np.full(count, line, np.int64),
                np.ones(count, bool),
            )
        )

    def _kind(self, head: _Head, triple: _Triple) -> int:
        """Return the number of the row kind of a reading."""
        plain = triple.flag[1:].strip("0") == "" or triple.status == Status.MISSING
        flags = () if plain else (("SOURCE_FLAG", (("flag", triple.flag),)),)
        kind = RowKind(
            head.channel, head.unit, head.factor, head.minutes, triple.status, triple.method,
            flags, head.constant,
        )  # fmt: skip
        if kind not in self.kinds:
            self.kinds[kind] = len(self.window.kinds)
            self.window.kinds.append(kind)
        return self.kinds[kind]

    def _reads(self, head: _Head, triples: list[_Triple], line: int) -> Iterator[RowError]:
        """Hand register reads to their window; a placeholder is told and dropped."""
        rows = []
        for triple in triples:
            if triple.status == Status.MISSING:
                text = f"{triple.flag} at {at_second(triple.label):%Y-%m-%d %H:%M} is no read"
                message = f"Line {line}, {head.channel}: {text}; it is passed over."
                yield RowError(line, "flag", "W306", message, head.channel, severity=Severity.WARN)
                continue
            dial = dial_of(triple.text, "value")
            at = at_second(resolve_one(triple.label, self.zone, "time"))
            rows.append(
                RegisterRow(
                    head.channel, at, triple.text, dial.digits, dial.decimals, head.unit,
                    head.factor, line, status=triple.status, method=triple.method,
                    multiplier=head.constant,
                )
            )  # fmt: skip
        for row in rows:
            self.registers.add(row)


def _quality(flag: str, profile: Profile) -> tuple[Status, Method]:
    """Return status and method of a flag such as R0; raise ``RowFault`` R203."""
    match = _FLAG.fullmatch(flag)
    letter = match[1] if match else ""
    if letter in profile.quality_map:
        status = Status[profile.quality_map[letter]]
        source = status in (Status.ESTIMATED, Status.EDITED, Status.SUBSTITUTED_FINAL)
        return status, Method.SOURCE if source else Method.NONE
    if letter not in _QUALITY:
        text = f"flag '{printable(flag)}' is not known; name its letter in quality_map"
        raise RowFault("R203", "flag", text)
    return _QUALITY[letter]


def _minutes(text: str) -> int:
    """Return the minutes of an interval MMDDHHMM without months; raise ``RowFault`` R006."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        shown = printable(text)
        raise RowFault("R006", "interval", f"interval '{shown}' is not MMDDHHMM without months")
    days, hours, minutes = (int(part) for part in match.groups())
    return days * 1440 + hours * 60 + minutes


def _label(text: str) -> int:
    """Return the second of the local clock of CCYYMMDDHHMM; raise ``RowFault`` R002."""
    try:
        # A zone-less wall clock reading; the zone is applied by the window.
        moment = datetime.strptime(text, "%Y%m%d%H%M") if _TIME.fullmatch(text) else None  # noqa: DTZ007
    except ValueError:
        moment = None
    if moment is None or not 1990 <= moment.year <= 2100:
        raise RowFault("R002", "time", f"time '{printable(text)}' is not CCYYMMDDHHMM")
    return int((moment - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
