"""NEM13 register reads (AEMO meter data file format): strict, streaming.

Records 100 header, 250 two reads of a register and the quantity between them, 550 why they were
read, 900 end. Times are fixed-offset standard time, by default UTC+10. The quantity is kept as the
source states it; whether it fits the reads is judged when they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from meters.formats._base import (
    QUARANTINE,
    RAW_LIMIT,
    Item,
    Profile,
    ReadType,
    RegisterRow,
    RowError,
    clip,
    formats,
    printable,
)
from meters.formats._fixed_zone import DEFAULT_ZONE, fixed_offset_minutes
from meters.formats._numbers import micro_of
from meters.formats._quality import nem_quality
from meters.formats._registers import RegisterWindow, dial_of
from meters.formats._text import RowFault, check_id, chunks, refuse, split_line
from meters.formats._units import unit_of
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import from_micro

FIELDS_250 = 23
_STAMP = re.compile(r"[0-9]{14}")
_READ_TYPES = {"N": ReadType.SCHEDULED, "E": ReadType.SCHEDULED, "": ReadType.SCHEDULED} | {
    "R": ReadType.REMOVE
}
_SPECIAL = frozenset("ACGDOS")


@formats.register("nem13@1")
class Nem13:
    """NEM13: register reads of the Australian market."""

    title = "NEM13 (AEMO register reads)"
    on_row_error = QUARANTINE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first bytes look like NEM13."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"100,NEM13")

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield register reads and row errors; raise ``Refused`` F020..F027 for the envelope."""
        return _Reader(profile).read(stream)


class _Reader:
    """Walks the records; a 250 waits for the 550 that may follow it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.offset = timedelta(minutes=fixed_offset_minutes(profile.zone or DEFAULT_ZONE))
        self.window = RegisterWindow()
        self.waiting: RegisterRow | None = None
        self.owns_550 = False
        self.started = self.ended = self.any_read = False
        self.line = 0

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for chunk in chunks(stream, final_break=False):
            lines = chunk.data.decode().split("\n")[:-1]
            for line, text in enumerate(lines, chunk.first_line):
                if text.strip():
                    yield from self._record(text, line)
            if self.window.full:
                yield from self.window.flush()
        if not self.ended:
            refuse(
                "F022",
                f"There is no 900 record after line {self.line}: the file is cut. "
                "Send the whole file again.",
                line=self.line,
            )
        if not self.any_read:
            text = "The file has a header and an end but no reads."
            yield RowError(self.line, "", "W001", text, severity=Severity.WARN)
        yield from self.window.flush()

    def _record(self, text: str, line: int) -> Iterator[RowError]:
        """Take one record in its order."""
        if self.ended:
            refuse("F023", f"Line {line} comes after the 900 record.", line=line)
        self.line = line
        fields = split_line(text, line)
        kind = fields[0]
        if not self.started:
            self._check_100(fields, line)
        elif kind == "250":
            self._close()
            yield from self._try(lambda: self._read_250(fields, line), fields, text, line)
        elif kind == "550":
            yield from self._try(lambda: self._read_550(fields), fields, text, line)
        elif kind == "900":
            self._close()
            self.ended = True
        else:
            shown = printable(kind, 20)
            refuse("F025", f"Line {line}: '{shown}' is not a record of NEM13.", line=line)

    def _check_100(self, fields: list[str], line: int) -> None:
        """Check the header record."""
        if fields[:2] != ["100", "NEM13"] or len(fields) != 5:
            refuse(
                "F020",
                f"Line {line}: the file does not begin with a 100 record of NEM13 with 5 fields; "
                f"found '{printable(','.join(fields), 40)}'.",
                line=line,
            )
        self.started = True

    def _try(self, work, fields: list[str], text: str, line: int) -> Iterator[RowError]:
        """Do a record; a fault takes the whole record out, with what waits for it."""
        try:
            work()
        except RowFault as fault:
            self.waiting = None
            channel = "/".join(part for part in (*fields[1:2], *fields[4:5]) if part)
            channel = channel if fields[0] == "250" else ""
            message = clip(f"Line {line}, {printable(channel)}: {fault.message}.")
            yield RowError(
                line, fault.field, fault.code, message, printable(channel), text[:RAW_LIMIT], line
            )

    def _close(self) -> None:
        """Let the waiting 250 record go."""
        if self.waiting is not None:
            self.window.add(self.waiting)
        self.waiting, self.owns_550 = None, False

    def _read_250(self, fields: list[str], line: int) -> None:
        """Read both reads of a 250 record; raise ``RowFault`` for the first fault."""
        self.any_read = self.owns_550 = True
        if len(fields) != FIELDS_250:
            text = f"a 250 record has {FIELDS_250} fields, found {len(fields)}"
            raise RowFault("R001", "", text)
        nmi, suffix, direction = fields[1], fields[4], fields[7]
        check_id(nmi, "NMI")
        check_id(suffix, "NMISuffix")
        if direction not in ("E", "I"):
            raise RowFault(
                "R203", "DirectionIndicator", f"direction '{printable(direction)}' is not E or I"
            )
        unit, factor = unit_of(fields[19], self.profile, "UOM")
        before = self._half("Previous", fields[8:13], line, f"{nmi}/{suffix}")
        after = self._half("Current", fields[13:18], line, f"{nmi}/{suffix}")
        if after.read_at_utc <= before.read_at_utc:
            raise RowFault(
                "R002", "CurrentRegisterReadDateTime", "the current read is not after the previous"
            )
        stated = from_micro(micro_of(fields[18], "Quantity")) if fields[18].strip() else None
        before = replace(before, unit=unit, factor=factor)
        self.waiting = replace(
            after,
            unit=unit,
            factor=factor,
            previous=before,
            quantity=stated,
            reverse=direction == "I",
        )

    def _half(self, name: str, fields: list[str], line: int, channel: str) -> RegisterRow:
        """Read one of the two reads: register, time, quality, reason, description."""
        text, stamp, quality, reason, remark = fields
        dial = dial_of(text, f"{name}RegisterRead")
        stamp = stamp.strip()
        try:
            local = datetime.strptime(stamp, "%Y%m%d%H%M%S") if _STAMP.fullmatch(stamp) else None  # noqa: DTZ007
        except ValueError:
            local = None
        if local is None:
            raise RowFault(
                "R002",
                f"{name}RegisterReadDateTime",
                f"{name}RegisterReadDateTime '{printable(stamp)}' is not yyyymmddHHMMSS",
            )
        status, method, _ = nem_quality(quality, reason, remark)
        at = local.replace(tzinfo=UTC) - self.offset
        return RegisterRow(
            channel, at, text, dial.digits, dial.decimals, "", from_micro(10**6), line,
            status=status, method=method,
        )  # fmt: skip

    def _read_550(self, fields: list[str]) -> None:
        """Take from a 550 record why the two reads of the 250 before it were made."""
        if not self.owns_550:
            refuse("F026", f"Line {self.line}: a 550 record without a 250 record.", line=self.line)
        self.owns_550 = False
        if len(fields) != 5:
            raise RowFault("R001", "", f"a 550 record has 5 fields, found {len(fields)}")
        row = self.waiting
        if row is None or row.previous is None:
            return  # its 250 record was not taken
        before = replace(row.previous, read_type=_read_type(fields[1], "PreviousTransCode"))
        self.waiting = replace(
            row, previous=before, read_type=_read_type(fields[3], "CurrentTransCode")
        )


def _read_type(code: str, field: str) -> ReadType:
    """Return the read type of a transaction code; raise ``RowFault`` R203."""
    if code in _SPECIAL:
        return ReadType.SPECIAL
    if code not in _READ_TYPES:
        raise RowFault("R203", field, f"transaction code '{printable(code)}' is not known")
    return _READ_TYPES[code]
