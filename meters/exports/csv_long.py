"""CSV, one reading per row, exactly as our own reader takes it (docs/exports/csv_long.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from meters.exports._base import Head, Part, refuse_large, writers
from meters.exports._bulk import constant, decimals, joined, stamps, words
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from poweroptix.kernel.tables import safe_cell

COLUMNS = "meter_id,channel,interval_start,interval_seconds,value,unit,status"
BREAK = "\r\n"  # RFC 4180
LETTERS = {
    Status.VALIDATED: "V",
    Status.VERIFIED: "V",
    Status.CALCULATED: "A",
    Status.SUBSTITUTED_FINAL: "F",
    Status.EDITED: "M",
    Status.ESTIMATED: "E",
    Status.SUSPECT: "?",
    Status.RAW: "A",
    Status.REJECTED: "?",
    Status.MISSING: "N",
}
_TABLE = [LETTERS[Status(code)] if code in set(Status) else "?" for code in range(101)]


@writers.register("csv_long@1")
class CsvLong:
    """CSV, one reading per row, local stamps with offset, status letters."""

    title = "CSV, one reading per row"
    suffix = "csv"
    content_type = "text/csv; charset=utf-8"

    @staticmethod
    def check(head: Head) -> None:
        """Refuse a code without both halves, or one that a spreadsheet would take for a formula."""
        for channel in head.channels:
            for half in (*channel.halves, channel.unit):
                if safe_cell(half) != half:
                    text = (
                        f"'{half}' of {channel.code} would start a formula in a spreadsheet; "
                        "export it as Parquet."
                    )
                    raise Refused("export.code", text, channel=channel.code)

    @staticmethod
    def write(head: Head, parts: Iterable[Part]) -> Iterator[bytes]:
        """Yield the head line, then the rows of each part; a missing reading is empty with N."""
        yield f"{COLUMNS}{BREAK}".encode()
        for part in parts:
            refuse_large(part)
            yield _rows(part, head.zone)


def _rows(part: Part, zone: str) -> bytes:
    """Return the rows of a part."""
    channel, series = part.channel, part.series
    meter, name = channel.halves
    count, missing = series.grid.count, series.missing
    value = decimals(np.where(missing, 0, series.values))
    value[missing] = 0
    text, _starts = joined(
        constant(f"{meter},{name},", count),
        stamps(series.grid, zone),
        constant(f",{channel.minutes * 60},", count),
        value,
        constant(f",{channel.unit},", count),
        words(_TABLE, series.status),
        constant(BREAK, count),
    )
    return text
