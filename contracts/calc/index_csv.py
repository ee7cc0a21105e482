"""Price files: gridstatus layouts (LMP or SPP) and a plain start,price table.

Columns are found by name, in any order and case. Stamps carry their offset; without one the file
is refused unless the caller names a zone.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price
from poweroptix.kernel.period import local_to_utc

STARTS = ("interval start", "start_utc", "start", "time")
ENDS = ("interval end", "end_utc", "end")
PRICES = ("lmp", "spp", "price")
PLACES = ("location", "location id", "pnode")
PARTS = ("energy", "congestion", "loss")
PARTS_TOLERANCE = Decimal("0.01")
MOST_FINDINGS = 50


@dataclass(frozen=True)
class PriceFile:
    """What a file must hold to become prices of one series."""

    minutes: int
    location: str = ""
    market: str = ""
    zone: str = ""


def read_prices(content: bytes, wanted: PriceFile) -> list[tuple[datetime, Decimal | None]]:
    """Return starts in UTC and prices, rising, each start once; an empty price is None.

    Refused as a whole with a finding per bad row: a file of prices is taken or not.
    """
    rows = csv.reader(io.StringIO(decode(content)))
    columns = header(next(rows, []))
    found: dict[datetime, Decimal | None] = {}
    findings: list[Finding] = []
    for line, cells in enumerate(rows, start=2):
        if not any(cell.strip() for cell in cells) or len(findings) >= MOST_FINDINGS:
            continue
        row = {name: cells[at].strip() for name, at in columns.items() if at < len(cells)}
        if not chosen(row, wanted):
            continue
        try:
            start, value = read_row(row, wanted)
        except Refused as error:
            findings.append(Finding(error.code, f"line {line}: {error.message}", where=str(line)))
            continue
        if start in found and found[start] != value:
            moment = f"{start:%Y-%m-%d %H:%M} UTC"
            text = f"line {line}: {moment} has two prices, {found[start]} and {value}"
            findings.append(Finding("contracts.price_twice", text, where=str(line)))
        found[start] = value
    if findings:
        raise Refused("contracts.price_file", findings[0].message, findings=findings)
    if not found:
        raise Refused("contracts.price_file_empty", "the file has no price of this series")
    return sorted(found.items())


def decode(content: bytes) -> str:
    """Text of the file. Refused when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = f"byte {error.start} is not UTF-8"
        raise Refused("contracts.price_file_encoding", text) from error


def header(cells: list[str]) -> dict[str, int]:
    """Position of every known column. Refused when start or price is not there."""
    named = {cell.strip().lower(): at for at, cell in enumerate(cells)}
    for wanted in (STARTS, PRICES):
        if not any(name in named for name in wanted):
            text = f"no column {' or '.join(wanted)}; found: {', '.join(named) or 'nothing'}"
            raise Refused("contracts.price_file_columns", text)
    return named


def chosen(row: Mapping[str, str], wanted: PriceFile) -> bool:
    """Return True when the row is of the wanted location and market."""
    place = first_of(row, PLACES)
    if wanted.location and place is not None and place != wanted.location:
        return False
    market = row.get("market")
    return not (wanted.market and market and market != wanted.market)


def first_of(row: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """Return the first of several columns that the file has."""
    return next((row[name] for name in names if name in row), None)


def read_row(row: Mapping[str, str], wanted: PriceFile) -> tuple[datetime, Decimal | None]:
    """Start and price of one row. Refused with what is wrong."""
    start = read_stamp(first_of(row, STARTS) or "", wanted.zone)
    end_text = first_of(row, ENDS)
    if end_text:
        length = (read_stamp(end_text, wanted.zone) - start) / timedelta(minutes=1)
        if length != wanted.minutes:
            text = f"an interval of {length:g} minutes, the series has {wanted.minutes}"
            raise Refused("contracts.price_length", text)
    if (start.hour * 60 + start.minute) % wanted.minutes or start.second:
        text = f"{start:%H:%M:%S} UTC does not begin an interval of {wanted.minutes} minutes"
        raise Refused("contracts.price_grid", text)
    text = first_of(row, PRICES) or ""
    if not text:
        return start, None
    value = read_number(text)
    parts = [row.get(name, "") for name in PARTS]
    if all(parts) and abs(value - sum(map(read_number, parts))) > PARTS_TOLERANCE:
        raise Refused(
            "contracts.price_parts",
            f"price {value} is not the sum of its parts {' + '.join(parts)}",
        )
    return start, value


def read_stamp(text: str, zone: str) -> datetime:
    """Return an instant in UTC."""
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("contracts.price_stamp", f"'{text}' is not a date and time") from error
    if stamp.tzinfo is not None:
        return stamp.astimezone(UTC)
    if not zone:
        raise Refused("contracts.price_naive", f"'{text}' has no offset; name the zone of the file")
    return local_to_utc(stamp, zone)


def read_number(text: str) -> Decimal:
    """Return a price with at most 8 decimals. Refused otherwise."""
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise Refused("contracts.price_number", f"'{text}' is not a number") from error
    if not value.is_finite():
        raise Refused("contracts.price_number", f"'{text}' is not a number")
    price(value)
    return value


def by_day(
    rows: list[tuple[datetime, Decimal | None]],
) -> Iterator[tuple[datetime, list[tuple[datetime, Decimal | None]]]]:
    """Return the rows grouped by UTC day, each with the day's first instant."""
    days: dict[datetime, list[tuple[datetime, Decimal | None]]] = {}
    for start, value in rows:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        days.setdefault(midnight, []).append((start, value))
    yield from sorted(days.items())
