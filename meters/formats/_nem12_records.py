"""NEM12 records read field by field: 100, 200, 400, and a 300 that is not plain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np

from meters.formats._base import Profile, printable
from meters.formats._nem12_index import TRAILING
from meters.formats._numbers import micro_of
from meters.formats._quality import nem_quality
from meters.formats._text import RowFault, check_id, refuse
from meters.formats._units import unit_of
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status

LENGTHS = frozenset({"1", "5", "10", "15", "30"})
_DATE = re.compile(r"[0-9]{8}")
_STAMP = re.compile(r"[0-9]{14}")
_NUMBER = re.compile(r"[0-9]{1,4}")

Flag = tuple[int, int, str, Mapping[str, str]]
Part = tuple[int, int, str, str, str]  # first, end, quality, reason code, description


@dataclass(frozen=True)
class Stream:
    """What a 200 record says about the 300 records after it. ``fault``: why none is taken."""

    channel: str
    minutes: int
    unit: str
    factor: Decimal
    line: int
    raw: str
    fault: RowFault | None = None
    serial: str = ""
    configuration: str = ""

    @property
    def intervals(self) -> int:
        """Values in each 300 record: a NEM12 day always has 24 hours."""
        return 1440 // self.minutes


def check_100(fields: list[str], line: int) -> None:
    """Check the header record; NEM13 and other versions are refused."""
    version = fields[1] if len(fields) > 1 else ""
    if version != "NEM12":
        hint = " It holds register reads." if version == "NEM13" else ""
        refuse("F027", f"Line {line}: '{printable(version)}' is not NEM12.{hint}", line=line)
    if len(fields) != 5 or not re.fullmatch(r"[0-9]{12}", fields[2]):
        refuse(
            "F020",
            f"Line {line}: the 100 record needs 5 fields with a 12-digit DateTime; "
            f"found {len(fields)} fields.",
            line=line,
        )


def read_200(fields: list[str], line: int, raw: str, profile: Profile) -> Stream:
    """Read a 200 record. A broken one refuses the file: what follows would have no owner."""
    if len(fields) not in (9, 10):
        refuse(
            "F024", f"Line {line}: a 200 record has 9 or 10 fields, found {len(fields)}.", line=line
        )
    nmi, configuration, suffix = fields[1], fields[2], fields[4]
    for name, text in (("NMI", nmi), ("NMIConfiguration", configuration), ("NMISuffix", suffix)):
        if not text.strip():
            refuse(
                "F024", f"Line {line}: {name} of the 200 record is empty.", line=line, field=name
            )
    if fields[8] not in LENGTHS:
        refuse(
            "F024",
            f"Line {line}: IntervalLength '{printable(fields[8])}' is not 1, 5, 10, 15 or 30.",
            line=line,
            field="IntervalLength",
        )
    channel = f"{nmi}/{suffix}"
    fault, unit, factor = None, "", Decimal(1)
    try:
        check_id(nmi, "NMI")
        check_id(suffix, "NMISuffix")
        unit, factor = unit_of(fields[7], profile, "UOM")
    except RowFault as found:
        fault = found
    return Stream(
        printable(channel), int(fields[8]), unit, factor, line, raw, fault,
        printable(fields[6].strip()), printable(configuration.strip()),
    )  # fmt: skip


def read_300(fields: list[str], stream: Stream) -> tuple[date, np.ndarray]:
    """Read date and values of a 300 record; raise ``RowFault`` for the first fault.

    An empty value is allowed only under quality N or V; it is missing.
    """
    need = 2 + stream.intervals + TRAILING
    if len(fields) != need:
        raise RowFault(
            "R001",
            "IntervalValue",
            f"300 record has {len(fields)} fields; {stream.minutes}-minute data needs {need} "
            f"({stream.intervals} values and {TRAILING} trailing fields)",
        )
    day = _date(fields[1])
    quality = fields[2 + stream.intervals]
    values = np.empty(stream.intervals, dtype=np.int64)
    for i in range(stream.intervals):
        text = fields[2 + i]
        empty = text == "" and quality in ("N", "V")
        values[i] = MISSING if empty else micro_of(text, f"value {i + 1}")
    for name, text in (("UpdateDateTime", fields[-2]), ("MSATSLoadDateTime", fields[-1])):
        if text and not _is_stamp(text):
            raise RowFault("R002", name, f"{name} '{printable(text)}' is not yyyymmddHHMMSS")
    return day, values


def _date(text: str) -> date:
    if _DATE.fullmatch(text):
        try:
            day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            day = None
        if day is not None and 1990 <= day.year <= 2100:
            return day
    raise RowFault("R002", "IntervalDate", f"date '{printable(text)}' is not a yyyymmdd date")


def _is_stamp(text: str) -> bool:
    if not _STAMP.fullmatch(text):
        return False
    try:
        _date(text[:8])
    except RowFault:
        return False
    return text[8:10] < "24" and text[10:12] < "60" and text[12:14] < "60"


@dataclass
class OpenDay:
    """A 300 record with the 400 records after it: one whole, taken or not taken together."""

    line: int
    raw: list[str]
    day: int = 0
    stamp: int = 0
    values: np.ndarray | None = None
    covered: int = 0
    last_line: int = 0
    parts: list[Part] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)

    def add(self, fields: list[str], line: int, raw: str, intervals: int) -> None:
        """Add one 400 record; what is wrong with it is kept as a fault of the day."""
        self.last_line = line
        self.raw.append(raw)
        first, last = int(fields[1]), int(fields[2])
        if not 1 <= first <= last <= intervals:
            text = f"400 range {first}-{last} is outside 1-{intervals}"
            self.faults.append(RowFault("R402", "StartInterval", text))
        elif first != self.covered + 1:
            text = (
                f"400 range {first}-{last} does not follow interval {self.covered}; the ranges "
                "must cover the day once, in order"
            )
            self.faults.append(RowFault("R401", "StartInterval", text))
        if fields[3] == "V":
            text = "quality V is not allowed in a 400 record"
            self.faults.append(RowFault("R403", "QualityMethod", text))
        self.covered = last
        self.parts.append((first - 1, last, fields[3], fields[4], fields[5]))

    def check(self, intervals: int) -> None:
        """Raise ``RowFault`` when the day cannot be taken; it names every fault."""
        if not self.faults and self.covered != intervals:
            text = (
                f"300 quality V but 400 records cover only intervals 1-{self.covered} "
                f"of {intervals}"
            )
            self.faults.append(RowFault("R401", "QualityMethod", text))
        if self.faults:
            first = self.faults[0]
            text = "; ".join(dict.fromkeys(fault.message for fault in self.faults))
            raise RowFault(first.code, first.field, text)


def check_400(fields: list[str], line: int, raw: str) -> None:
    """Refuse the file for a 400 record without interval numbers (F026)."""
    if len(fields) != 6 or not all(_NUMBER.fullmatch(text) for text in fields[1:3]):
        refuse(
            "F026",
            f"Line {line}: a 400 record has 6 fields and two interval numbers; "
            f"found '{printable(raw)}'.",
            line=line,
        )


def apply_quality(
    values: np.ndarray, parts: list[Part]
) -> tuple[np.ndarray, np.ndarray, list[Flag]]:
    """Set status and method per part of a day; values of quality N become missing.

    Raises ``RowFault`` when a value is absent under another quality than N.
    """
    status = np.empty(len(values), dtype=np.uint8)
    method = np.empty(len(values), dtype=np.uint8)
    flags: list[Flag] = []
    for first, end, quality, reason, text in parts:
        state, how, found = nem_quality(quality, reason, text)
        status[first:end], method[first:end] = int(state), int(how)
        flags += [(first, end, code, detail) for code, detail in found]
        if state == Status.MISSING:
            values[first:end] = MISSING
            method[first:end] = int(Method.NONE)
        elif (values[first:end] == MISSING).any():
            at = first + int(np.argmax(values[first:end] == MISSING)) + 1
            text = f"value {at} is empty but its quality is {quality}"
            raise RowFault("R100", f"value {at}", text)
    return status, method, flags
