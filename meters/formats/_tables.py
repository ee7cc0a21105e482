"""What a person sees of a table before its columns are mapped: sheets, first rows, header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from meters.formats._base import Profile
from meters.formats._text import chunks, read_header, split_line

TOP_ROWS = 12
CELL_CHARACTERS = 60


@dataclass(frozen=True)
class Table:
    """The head of a table. `known` are the roles a column can have, `required` those it must.

    `sheets` is empty for what is no workbook; `top` are the first rows as text, from row 1 on.
    """

    header: tuple[str, ...]
    known: tuple[str, ...]
    required: tuple[str, ...]
    top: tuple[tuple[str, ...], ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""


def csv_table(
    stream: BinaryIO, known: tuple[str, ...], required: tuple[str, ...], profile: Profile
) -> Table:
    """Return the head of a CSV; raise ``Refused`` for what is no CSV."""
    first = next(iter(chunks(stream, first_line=1)))
    lines = first.data.decode().split("\n")[:TOP_ROWS]
    header = profile.options.get("header") or read_header(lines[0], 1)
    top = tuple(
        tuple(cell[:CELL_CHARACTERS] for cell in split_line(line, at))
        for at, line in enumerate(lines, 1)
        if line
    )
    return Table(tuple(header), known, required, top)
