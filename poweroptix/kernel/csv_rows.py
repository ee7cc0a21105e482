"""Rows of a CSV file that a person hands in; no cell of it is passed over.

RFC 4180, section 2.4: every line has as many fields as the head. A row that has more or fewer is
told, never cut: `31,50` under one column would be read as 31.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.words import counted

Row = tuple[int, list[str]]


def read_rows(text: str, *, code: str, delimiter: str = ",") -> tuple[list[str], list[Row]]:
    r"""Return the head, and the rows that say something with their number; the head is row 1.

    Refused with `code` when the text is no CSV.

    >>> read_rows("start,price\n\n2026-03-01,31.50\n", code="x")
    (['start', 'price'], [(3, ['2026-03-01', '31.50'])])
    """
    if "\x00" in text:
        raise Refused(code, "The file is not text.")
    try:
        head, *rows = [*csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)] or [[]]
    except csv.Error as fault:
        raise Refused(code, f"The file is not CSV: {fault}.") from fault
    said = [(at, row) for at, row in enumerate(rows, start=2) if _filled(row)]
    return [cell.strip() for cell in head], said


def uneven(place: str, cells: Sequence[str], head: Sequence[str]) -> str:
    """Return what is wrong with a row that has not the cells its head names; nothing else.

    Empty cells behind the last column, as spreadsheets write them, say nothing and are no fault.

    >>> uneven("line 2", ["2026-03-01", "31", "50"], ["start", "price"])[:39]
    'line 2 has 3 cells, the head names 2; a'
    >>> uneven("line 2", ["2026-03-01", "31.50", ""], ["start", "price"])
    ''
    """
    named = _filled(head)
    if len(cells) >= named and not _filled(cells[named:]):
        return ""
    if len(cells) > named:
        hint = (
            "a comma inside a value needs quotes around it, and a decimal comma is not read: "
            "write 31.50, not 31,50"
        )
    else:
        hint = "write a cell for every column, an empty one where there is no value"
    return f"{place} has {counted(len(cells), 'cell')}, the head names {named}; {hint}"


def _filled(cells: Iterable[str]) -> int:
    """Return how many cells there are up to the last one that is not empty."""
    return max((at for at, cell in enumerate(cells, start=1) if cell.strip()), default=0)
