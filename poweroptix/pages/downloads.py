"""Files that leave a page: CSV and XLSX whose cells can never start a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from poweroptix.kernel.tables import safe_cell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


#: The forms of a table as a file.
FILES = ("csv", "xlsx")


def csv_bytes(head: Sequence[str], rows: Iterable[Sequence]) -> bytes:
    """Return RFC 4180 CSV in UTF-8; text that looks like a formula gets a leading apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([safe_cell(_plain(cell)) for cell in row] for row in rows)
    return out.getvalue().encode()


def xlsx_bytes(head: Sequence[str], rows: Iterable[Sequence]) -> bytes:
    """Return a workbook with typed cells, a bold frozen head and no formulas."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, value=name) for name in head]
    for cell in heads:
        cell.font = Font(bold=True)
    sheet.append(heads)
    for row in rows:
        sheet.append([_typed(sheet, cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def attachment(content: bytes, name: str, content_type: str) -> HttpResponse:
    """Return a download whose name cannot break the header (RFC 6266)."""
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def table_response(form: str, name: str, head: Sequence[str], rows: Iterable[Sequence]):
    """Return the table as `csv` or `xlsx` download called `name`."""
    if form == "xlsx":
        return attachment(xlsx_bytes(head, rows), f"{name}.xlsx", XLSX)
    return attachment(csv_bytes(head, rows), f"{name}.csv", "text/csv; charset=utf-8")


def _plain(cell):
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return "" if cell is None else cell


def _typed(sheet, cell):
    if isinstance(cell, Decimal | int) and not isinstance(cell, bool):
        return cell
    typed = WriteOnlyCell(sheet, value=str(_plain(cell)))
    typed.data_type = "s"
    return typed
