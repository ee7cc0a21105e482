"""What both CSV formats share: the header, constants of the profile, the line index of a chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from meters.formats._base import Profile, RowError, clip, printable
from meters.formats._digits import FRONT_PAD, Buffer
from meters.formats._text import Chunk, RowFault, read_header, refuse

MINUTES = (1, 5, 10, 15, 30, 60)
_ALWAYS_COLUMNS = frozenset({"interval_start", "value", "date"})


def zone_of(profile: Profile) -> ZoneInfo | None:
    """Return the profile's zone; None when it names none; refuse an unknown one (F028)."""
    if not profile.zone:
        return None
    try:
        return ZoneInfo(profile.zone)
    except (ZoneInfoNotFoundError, ValueError):
        refuse("F028", f"Zone '{printable(profile.zone)}' of the import profile does not exist.")


def first_line(profile: Profile) -> int:
    """Return the number of the header's line: not 1 where a table was taken out of a sheet."""
    return int(profile.options.get("first_line", 1))


@dataclass(frozen=True)
class Header:
    """Where each role of a row stands: a column number, or a constant of the profile."""

    names: tuple[str, ...]
    column: Mapping[str, int]
    constant: Mapping[str, str]

    def text(self, role: str, fields: list[str]) -> str:
        """Return the text of a role in a row, or the profile's constant, or nothing."""
        if role in self.column:
            return fields[self.column[role]]
        return self.constant.get(role, "")


def roles_of(
    names: list[str],
    profile: Profile,
    known: tuple[str, ...],
    required: tuple[str, ...],
    line: int = 1,
) -> Header:
    """Match header names to roles; refuse a missing (F006) or unknown (F008) column.

    ``profile.options["columns"]`` renames columns, ``options[role]`` gives a constant,
    ``options["ignore_columns"]`` lists columns to pass over.
    """
    options = profile.options
    renamed: Mapping[str, str] = options.get("columns", {})
    ignored = set(options.get("ignore_columns", ()))
    constant = {r: str(options[r]) for r in known if r in options and r not in _ALWAYS_COLUMNS}
    if profile.unit:
        constant["unit"] = profile.unit
    column: dict[str, int] = {}
    for number, name in enumerate(names):
        role = renamed.get(name, name)
        if name in ignored:
            continue
        if role not in known:
            refuse(
                "F008",
                f"Column '{printable(name)}' is not known; known are {', '.join(known)}. Name it "
                "in the import profile or leave it out.",
                line=line,
            )
        if role in column:
            refuse("F007", f"Column '{printable(role)}' stands twice in the header.", line=line)
        column[role] = number
    for role in required:
        if role not in column and role not in constant:
            found = printable(", ".join(names), 120)
            refuse("F006", f"Column '{role}' is missing; found {found}.", line=line)
    return Header(tuple(names), column, constant)


@dataclass(frozen=True)
class LineIndex:
    """Lines of a chunk: padded positions, and for regular lines the separator numbers."""

    buffer: Buffer
    separators: np.ndarray
    start: np.ndarray
    end: np.ndarray
    first: np.ndarray  # number of the first separator of each line
    regular: np.ndarray  # the header's number of fields, no quote

    def text(self, line: int) -> str:
        """Return a line (0-based)."""
        return self.buffer.text(int(self.start[line]), int(self.end[line])).decode()

    def bounds(self, lines: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Return start and end of a column in regular lines."""
        at = self.first[lines] + column
        start = self.start[lines] if column == 0 else self.separators[at - 1] + 1
        return start, self.separators[at]


def index_lines(data: bytes, columns: int) -> LineIndex:
    """Index whole lines of CSV text with ``columns`` fields each."""
    buffer = Buffer(data)
    octets = buffer.bytes
    separators = np.flatnonzero((octets == 0x2C) | (octets == 0x0A))
    breaks = np.flatnonzero(octets[separators] == 0x0A)
    first = np.concatenate(([0], breaks[:-1] + 1))
    end = separators[breaks]
    start = np.concatenate(([FRONT_PAD], end[:-1] + 1))
    regular = breaks - first + 1 == columns
    if b'"' in data:
        quotes = np.flatnonzero(octets == 0x22)
        regular[np.searchsorted(end, quotes)] = False
    return LineIndex(buffer, separators, start, end, first, regular)


def with_header(
    source: Iterator[Chunk], profile: Profile
) -> Iterator[tuple[list[str] | None, Chunk]]:
    """Yield (header names, rest of the first chunk), then (None, chunk); refuse no rows (F014).

    ``profile.options["header"]`` names the columns of a file that has no header of its own.
    """
    rows = False
    header: list[str] | None = None
    for chunk in source:
        data, line = chunk.data, chunk.first_line
        if header is None and "header" in profile.options:
            header, rows = list(profile.options["header"]), True
            yield header, chunk
            continue
        if header is None:
            text, _, data = data.partition(b"\n")
            header = read_header(text.decode(), line)
            if data:
                rows = True
            yield header, Chunk(data, line + 1)
            continue
        rows = True
        yield None, chunk
    if not rows:
        refuse("F014", "The file has a header but no rows.", line=1)


def length_fault(fields: list[str], columns: int) -> RowFault:
    """Return the fault of a row with too many or too few fields (R001)."""
    return RowFault("R001", "", f"the row has {len(fields)} fields, the header has {columns}")


def row_error(fault: RowFault, line: int, raw: str, channel: str = "") -> RowError:
    """Return the row error of a faulty line."""
    where = f"Line {line}, {channel}" if channel else f"Line {line}"
    return RowError(
        line, fault.field, fault.code, clip(f"{where}: {fault.message}."), channel, raw[:2000], line
    )
