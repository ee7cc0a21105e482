"""Every interval behind an invoice as CSV: quantities, how they were obtained, and prices.

UTF-8 with a byte-order mark, CRLF, RFC 4180. The header names the unit of each column. What looks
like a formula is made harmless; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import letter
from poweroptix.kernel.tables import safe_cell
from settlement.calc.intervals import IntervalTable, PriceColumn


def interval_csv(
    table: IntervalTable, zone: str, versions: Mapping[date, str] | None = None
) -> bytes:
    """Return the file. `versions` names the reading version of each UTC day."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in header(table)])
    place = ZoneInfo(zone)
    for row in _rows(table, place, versions or {}):
        writer.writerow(row)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8")


def header(table: IntervalTable) -> list[str]:
    """Return the names of the columns, with their units."""
    names = ["start_utc", "end_utc", "start_local"]
    for name, series in table.series.items():
        unit = series.unit.lower()
        names += [f"{name}_{unit}", f"{name}_status"]
    names.append("reading_version")
    for column in table.columns:
        unit = column.unit.lower().replace("/", "_per_")
        if column.part_names:
            names.append(f"line_{column.line_code}_part")
        names.append(f"line_{column.line_code}_price_{unit}")
        if column.shares is not None:
            names.append(f"line_{column.line_code}_share_ratio")
        if column.is_exact:
            names.append(f"line_{column.line_code}_exact_usd")
    return names


def _rows(
    table: IntervalTable, place: ZoneInfo, versions: Mapping[date, str]
) -> Iterator[list[str]]:
    step = timedelta(minutes=table.grid.minutes)
    letters = {
        name: [letter(int(status)) for status in series.status]
        for name, series in table.series.items()
    }
    start = table.grid.start_utc
    for index in range(table.grid.count):
        row = [_stamp(start), _stamp(start + step), start.astimezone(place).isoformat()]
        for name, series in table.series.items():
            row += [_micro(series.values[index]), letters[name][index]]
        row.append(safe_cell(versions.get(start.date(), "")))
        for column in table.columns:
            row += _cells(column, index, table)
        yield row
        start += step


def _cells(column: PriceColumn, index: int, table: IntervalTable) -> list[str]:
    cells = []
    if column.part_names:
        part = int(column.parts[index])
        cells.append(safe_cell(column.part_names[part]) if part >= 0 else "")
    priced = int(column.prices[index])
    cells.append("" if priced == MISSING else _scaled(priced, 8))
    share = column.share_at(index)
    if column.shares is not None:
        cells.append(_scaled(share, 8))
    if column.is_exact:
        micro = int(table.series[column.quantity].values[index])
        known = MISSING not in (priced, micro)
        places = 22 + len(str(column.divisor)) - 1
        cells.append(_scaled(micro * priced * share, places) if known else "")
    return cells


def _micro(value: np.int64) -> str:
    return "" if value == MISSING else _scaled(int(value), 6)


def _scaled(number: int, places: int) -> str:
    """Return number / 10^places exactly, without trailing zeros and without exponent.

    >>> _scaled(-12_500, 4), _scaled(300, 2)
    ('-1.25', '3')
    """
    digits = str(abs(number)).zfill(places + 1)
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return f"-{text}" if number < 0 else text


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
