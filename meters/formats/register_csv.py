"""Our register CSV: one read of a cumulative register per row.

Columns ``meter_id,channel,read_time,register,digits,multiplier,read_type[,unit,status,bucket]``.
The register is text: it is kept as written, zeros in front tell its dials. ``bucket`` names the
time-of-use period that it counts; empty for the total register.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from meters.formats._base import (
    REFUSE_FILE,
    Item,
    Profile,
    ReadType,
    RegisterRow,
    at_second,
    formats,
    printable,
)
from meters.formats._csv import Header, length_fault, roles_of, row_error, with_header, zone_of
from meters.formats._numbers import micro_of
from meters.formats._quality import csv_quality
from meters.formats._registers import RegisterWindow, dial_of
from meters.formats._stamps import parse_stamp, resolve_one
from meters.formats._tables import Table, csv_table
from meters.formats._text import RowFault, check_id, chunks, split_line
from meters.formats._units import unit_of
from poweroptix.kernel.fixed import from_micro

KNOWN = (
    "meter_id", "channel", "read_time", "register", "digits", "multiplier", "read_type", "unit",
    "status", "bucket",
)  # fmt: skip
REQUIRED = (*KNOWN[:7], "unit")
MOST_BUCKET = 20
_DIALS = frozenset(str(number) for number in range(1, 16))


@formats.register("register_csv@1")
class RegisterCsv:
    """CSV of register reads."""

    title = "CSV, one register read per row"
    on_row_error = REFUSE_FILE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first line names the columns of register reads."""
        first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
        return b"read_time" in first and b"register" in first

    @staticmethod
    def table(stream: BinaryIO, profile: Profile) -> Table:
        """Return the head of the table for the mapping of its columns."""
        return csv_table(stream, KNOWN, REQUIRED, profile)

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield register reads and row errors; raise ``Refused`` for the envelope."""
        return _Reader(profile).read(stream)


class _Reader:
    """Reads rows one by one."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.zone = zone_of(profile)
        self.pattern = str(profile.options.get("stamp_format", ""))
        self.quality = csv_quality(profile.quality_map)
        self.window = RegisterWindow()
        self.header = Header((), {}, {})

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """Yield what a stream holds."""
        for names, chunk in with_header(chunks(stream), self.profile):
            if names is not None:
                self.header = roles_of(names, self.profile, KNOWN, REQUIRED)
            lines = chunk.data.decode().split("\n")[:-1]
            for line, text in enumerate(lines, chunk.first_line):
                try:
                    self.window.add(self._row(text, line))
                except RowFault as fault:
                    yield row_error(fault, line, text)
            if self.window.full:
                yield from self.window.flush()
        yield from self.window.flush()

    def _row(self, text: str, line: int) -> RegisterRow:
        """Return the read of a row; raise ``RowFault`` for its first fault."""
        if not text:
            raise RowFault("R001", "", "the row is empty; remove it")
        fields = split_line(text, line)
        if len(fields) != len(self.header.names):
            raise length_fault(fields, len(self.header.names))
        told = {role: self.header.text(role, fields) for role in KNOWN}
        for role in ("meter_id", "channel", "bucket"):
            if role != "bucket" or told[role]:
                check_id(told[role], role)
        if len(told["bucket"]) > MOST_BUCKET:
            found = f"bucket '{printable(told['bucket'])}' has more than {MOST_BUCKET} characters"
            raise RowFault("R207", "bucket", found)
        dial = dial_of(told["register"], "register", self._digits(told["digits"]))
        unit, factor = unit_of(told["unit"], self.profile, "unit")
        status = told["status"] or "A"
        if status not in self.quality:
            raise RowFault("R203", "status", f"status '{printable(status)}' is not known")
        if told["read_type"] not in ReadType.__members__:
            raise RowFault(
                "R207",
                "read_type",
                f"read_type '{printable(told['read_type'])}' is not one of {', '.join(ReadType)}",
            )
        state, method = self.quality[status]
        return RegisterRow(
            f"{told['meter_id']}/{told['channel']}", at_second(self._instant(told["read_time"])),
            told["register"], dial.digits, dial.decimals, unit, factor, line,
            ReadType(told["read_type"]), state, method, self._multiplier(told["multiplier"]),
            bucket=told["bucket"],
        )  # fmt: skip

    def _instant(self, text: str) -> int:
        """Return the UTC second of a read."""
        stamp, absolute = parse_stamp(text, "read_time", self.pattern)
        if absolute:
            return stamp
        if self.zone is None:
            raise RowFault(
                "R003",
                "read_time",
                f"read_time '{printable(text)}' has no zone; add Z or an offset such as -05:00, or "
                "set the zone in the import profile",
            )
        return resolve_one(stamp, self.zone, "read_time")

    def _digits(self, text: str) -> int | None:
        """Return the dials of the meter; None when the cell is empty."""
        if text == "":
            return None
        if text not in _DIALS:
            raise RowFault("R101", "digits", f"digits '{printable(text)}' is not a number of dials")
        return int(text)

    def _multiplier(self, text: str) -> Decimal | None:
        """Return the transformer factor; None when the cell is empty."""
        if text == "":
            return None
        micro = micro_of(text, "multiplier")
        if micro <= 0:
            raise RowFault(
                "R107", "multiplier", f"multiplier '{printable(text)}' is not above zero"
            )
        return from_micro(micro)
