"""A sheet of an Excel workbook, read as the table of one of our CSV formats.

The profile says which sheet, which row is the header and which layout (long or wide); columns are
named as in the CSV. Cells become the text they stand for: numbers with the 15 digits Excel keeps,
dates as dates. Then the reader of that CSV judges them; line numbers are those of the sheet.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from itertools import islice
from typing import Any, BinaryIO, NoReturn

from openpyxl import load_workbook

from meters.formats._base import REFUSE_FILE, Item, Profile, formats, printable
from meters.formats._tables import CELL_CHARACTERS, TOP_ROWS, Table
from meters.formats._text import refuse
from poweroptix.kernel.fixed import EXACT

LAYOUTS = {"long": "csv_long@1", "wide": "csv_wide@1"}
UNPACKED_BYTES = 1 << 30
BLANK_ROWS = 1000
_ZIP = b"PK\x03\x04"
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, OSError, SyntaxError),
    *(NotImplementedError, RuntimeError, TypeError, IndexError, AttributeError, OverflowError),
)  # what the libraries raise on parts that are cut, encrypted or not of a workbook


@formats.register("xlsx@1")
class Xlsx:
    """Excel workbook, one sheet of readings."""

    title = "Excel workbook (xlsx)"
    on_row_error = REFUSE_FILE

    @staticmethod
    def sniff(head: bytes) -> bool:
        """Tell whether the first bytes are those of a workbook."""
        return head.startswith(_ZIP) and (b"[Content_Types].xml" in head or b"xl/" in head)

    @staticmethod
    def table(stream: BinaryIO, profile: Profile) -> Table:
        """Return sheets, first rows and header of the chosen sheet, for the mapping of columns.

        Without a choice the first sheet is shown; reading it still needs one.
        """
        return _look(stream, profile)

    @staticmethod
    def read(stream: BinaryIO, profile: Profile) -> Iterator[Item]:
        """Yield blocks and row errors; raise ``Refused`` for the envelope and for the sheet."""
        return _table(stream, profile, _layout(profile))


def _layout(profile: Profile) -> str:
    layout = str(profile.options.get("layout", "long"))
    if layout not in LAYOUTS:
        text = f"Layout '{printable(layout)}' of the import profile is not long or wide."
        refuse("F030", text, field="layout")
    return layout


def _opened(stream: BinaryIO) -> Any:
    """Open a workbook that is safe to open."""
    _check_parts(stream)
    try:
        # Values that formulas had when the file was saved; nothing is calculated here.
        return load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except _DAMAGE as error:
        _damaged(error)


def _look(stream: BinaryIO, profile: Profile) -> Table:
    """Return the head of a sheet as the reader of its layout would see it."""
    layout, header_row = _layout(profile), _header_row(profile)
    book = _opened(stream)
    try:
        names = tuple(sheet.title for sheet in book.worksheets)
        if not names:
            refuse("F031", "The workbook has no sheet of cells.")
        wanted = str(profile.options.get("sheet", ""))
        sheet = book[wanted] if wanted in names else book.worksheets[0]
        sheet.reset_dimensions()
        pattern = str(profile.options.get("stamp_format", ""))
        cells = islice(_cells(sheet), max(header_row, TOP_ROWS))
        rows = [
            tuple(_text(value, layout == "wide", pattern)[:CELL_CHARACTERS] for value in row)
            for row in cells
        ]
    finally:
        book.close()
    header = tuple(name for name in (rows[header_row - 1 :] or [()])[0] if name)
    rest = "\n".join((",".join(_quoted(header)), "0", ""))
    found = formats.get(LAYOUTS[layout]).table(io.BytesIO(rest.encode()), profile)
    return replace(found, top=tuple(rows[:TOP_ROWS]), sheets=names, sheet=sheet.title)


def _quoted(names: tuple[str, ...]) -> list[str]:
    """Return header cells as CSV; a line break inside is told by the reader, here it is a blank."""
    return ['"' + " ".join(name.split()).replace('"', '""') + '"' for name in names]


def _table(stream: BinaryIO, profile: Profile, layout: str) -> Iterator[Item]:
    """Read the chosen sheet through the reader of its layout."""
    header_row = _header_row(profile)
    book = _opened(stream)
    try:
        sheet = _sheet(book, profile)
        sheet.reset_dimensions()  # what the file says of its size need not be true
        pattern = str(profile.options.get("stamp_format", ""))
        lines = _Lines(_rows(sheet, header_row, layout == "wide", pattern))
        options = dict(profile.options) | {"first_line": header_row}
        yield from formats.get(LAYOUTS[layout]).read(lines, replace(profile, options=options))
    finally:
        book.close()


def _header_row(profile: Profile) -> int:
    """Return the number of the header row, from 1.

    A sheet has one: names of columns in the profile would take its first row for readings.
    """
    if "header" in profile.options:
        refuse(
            "F030",
            "The import profile names the columns of a file without a header (option header); the "
            "header of a sheet is a row of it: name that row in header_row.",
            field="header",
        )
    found = profile.options.get("header_row", 1)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= 1000:
        text = f"header_row '{printable(found)}' of the import profile is not 1 to 1000."
        refuse("F030", text, field="header_row")
    return found


def _check_parts(stream: BinaryIO) -> None:
    """Refuse a workbook that unpacks too large or declares entities."""
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(info.file_size for info in archive.infolist())
            if size > UNPACKED_BYTES:
                refuse("F032", f"The workbook unpacks to {size >> 20} MB; at most 1024 are read.")
            for info in archive.infolist():
                with archive.open(info) as part:
                    if info.filename.endswith((".xml", ".rels")) and _DECLARATION.search(
                        part.read(1 << 16)
                    ):
                        shown = printable(info.filename)
                        refuse("F032", f"'{shown}' of the workbook declares entities.")
    except _DAMAGE as error:
        _damaged(error)
    stream.seek(0)


def _sheet(book: Any, profile: Profile) -> Any:
    """Return the sheet that the profile names, or the only one."""
    names = [sheet.title for sheet in book.worksheets]
    wanted = str(profile.options.get("sheet", ""))
    if not wanted and len(names) == 1:
        return book.worksheets[0]
    if wanted not in names:
        shown = printable(", ".join(names), 120)
        found = f"no sheet '{printable(wanted)}'" if wanted else f"{len(names)} sheets"
        refuse(
            "F030",
            f"The workbook has {found}; it has {shown}. Set sheet in the options of the import "
            "profile.",
            field="sheet",
        )
    return book[wanted]


def _rows(sheet: Any, header_row: int, days: bool, pattern: str) -> Iterator[bytes]:
    """Yield the rows of a sheet from its header on as lines of CSV; blank ones at the end not."""
    blank = width = 0
    for number, cells in enumerate(_cells(sheet), 1):
        if number < header_row:
            continue
        texts = [_text(value, days, pattern) for value in cells]
        if number == header_row:
            width = max((at for at, text in enumerate(texts, 1) if text), default=0)
        if not any(texts):
            blank += 1
            if blank > BLANK_ROWS:
                text = f"Row {number}: more than {BLANK_ROWS} blank rows; delete them or what is"
                refuse("F012", f"{text} below.", line=number)
            continue
        for _ in range(blank):
            yield b"\n"
        blank = 0
        # Cells right of the header hold nothing or belong to no column: the reader counts them.
        last = max(at for at, text in enumerate(texts, 1) if text)
        texts = (texts + [""] * width)[: max(width, last)]
        if any("\n" in text or "\r" in text for text in texts):
            refuse("F011", f"Row {number}: a cell has a line break inside.", line=number)
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(texts)
        yield line.getvalue().encode()


def _cells(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of each row; refuse a sheet that is damaged."""
    rows = sheet.iter_rows(values_only=True)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except _DAMAGE as error:
            _damaged(error)
        yield cells


def _damaged(error: Exception) -> NoReturn:
    text = printable(error, 120) or type(error).__name__
    refuse("F031", f"The workbook cannot be opened: {text}. Save it again.")


def _text(value: Any, days: bool, pattern: str) -> str:
    """Return the text that a cell stands for.

    >>> _text(0.1 + 0.2, False, ""), _text(datetime(2026, 3, 1, 0, 15), False, "")
    ('0.3', '2026-03-01T00:15:00')
    """
    if isinstance(value, date | time):
        return _moment(value, days, pattern)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        # Fifteen digits are what Excel calculates and shows; the double behind has noise beyond.
        return f"{EXACT.create_decimal(f'{value:.15g}'):f}"
    return "" if value is None else str(value)


def _moment(value: date | time, days: bool, pattern: str) -> str:
    """Return the text of a date or a time of day."""
    if isinstance(value, datetime):
        if days and value.time() == time():
            return value.date().isoformat()
        return value.strftime(pattern) if pattern else value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}" if value.second == 0 else value.isoformat()
    return value.isoformat()


class _Lines(io.RawIOBase):
    """Lines that are made while they are read; what the CSV readers take for a file."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        super().__init__()
        self._lines, self._rest = lines, b""

    def readable(self) -> bool:
        """Return that this is for reading."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at least one and about `size` bytes, or nothing at the end."""
        parts, held = [self._rest], len(self._rest)
        while held < size and (line := next(self._lines, b"")):
            parts.append(line)
            held += len(line)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]
