"""Price files: gridstatus layouts (LMP or SPP) and a plain start,price table.

Columns are found by name, in any order and case. A file with a column LMP or SPP has to name
interval, market and location as well (settlement.md 6.2). Stamps carry their offset; without one
the file is refused unless the caller names a zone, and the repeated hour unless a flag tells which
of the two it is. A daily series takes the date that is written, whatever its offset.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from poweroptix.kernel.csv_rows import read_rows, uneven
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price
from poweroptix.kernel.period import local_to_utc, zone_of
from poweroptix.kernel.plain import plain_decimal

DAY_MINUTES = 1440
STARTS = ("interval start", "start_utc", "start", "time", "date")
ENDS = ("interval end", "end_utc", "end")
MARKET_PRICES = ("lmp", "spp")
PRICES = (*MARKET_PRICES, "price")
PLACES = ("location", "location id", "location name", "location short name", "pnode")
REPEATED = ("repeatedhourflag", "repeated hour flag", "dstflag", "dst flag")
PARTS = ("energy", "congestion", "loss")
PART_OF_CAISO = "ghg"
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
    A row of whatever location has the cells that the head names: a decimal comma is not read.
    """
    head, rows = read_rows(decode(content), code="contracts.price_file")
    columns = header(head)
    found: dict[datetime, Decimal | None] = {}
    findings: list[Finding] = []
    others: dict[tuple[str, str], int] = {}
    for line, cells in rows:
        if len(findings) >= MOST_FINDINGS:
            break
        if wrong := uneven(f"line {line}", cells, head):
            findings.append(Finding("contracts.price_cells", wrong, where=str(line)))
            continue
        row = {name: cells[at].strip() for name, at in columns.items()}
        if not chosen(row, wanted):
            continue
        others.setdefault((first_of(row, PLACES) or "", row.get("market", "")), line)
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
    if len(others) > 1:
        raise mixed(others)
    if findings:
        raise Refused("contracts.price_file", findings[0].message, findings=findings)
    if not found:
        raise Refused("contracts.price_file_empty", "the file has no price of this series")
    return sorted(found.items())


def mixed(others: Mapping[tuple[str, str], int]) -> Refused:
    """Return the refusal of a file with prices of several places or markets."""
    (one, at), (other, line) = list(others.items())[:2]
    names = [" ".join(filter(None, key)) for key in (one, other)]
    text = (
        f"the file has prices of {names[0]} (line {at}) and of {names[1]} (line {line}); name the "
        "location and the market of the series"
    )
    return Refused("contracts.price_file_mixed", text)


def decode(content: bytes) -> str:
    """Text of the file. Refused when it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = f"byte {error.start} is not UTF-8"
        raise Refused("contracts.price_file_encoding", text) from error


def header(cells: list[str]) -> dict[str, int]:
    """Position of every known column. Refused when start or price is not there."""
    named = {cell.lower(): at for at, cell in enumerate(cells) if cell}
    for wanted in (STARTS, PRICES):
        if not any(name in named for name in wanted):
            text = f"no column {' or '.join(wanted)}; found: {', '.join(named) or 'nothing'}"
            raise Refused("contracts.price_file_columns", text)
    if any(name in named for name in MARKET_PRICES):
        for wanted in (STARTS[:1], ENDS[:1], ("market",), PLACES):
            if not any(name in named for name in wanted):
                text = f"a file with LMP or SPP has no column {' or '.join(wanted)}"
                raise Refused("contracts.price_file_columns", text)
    return named


def chosen(row: Mapping[str, str], wanted: PriceFile) -> bool:
    """Return True when the row is of the wanted location and market."""
    places = [row[name] for name in PLACES if name in row]
    if wanted.location and places and wanted.location not in places:
        return False
    market = row.get("market")
    return not (wanted.market and market and market != wanted.market)


def first_of(row: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """Return the first of several columns that the file has."""
    return next((row[name] for name in names if name in row), None)


def read_row(row: Mapping[str, str], wanted: PriceFile) -> tuple[datetime, Decimal | None]:
    """Start and price of one row. Refused with what is wrong."""
    flag = first_of(row, REPEATED)
    fold = None if flag is None else int(flag.upper() == "Y")
    start_text, end_text = first_of(row, STARTS) or "", first_of(row, ENDS)
    start = read_stamp(start_text, wanted, fold)
    if end_text and wanted.minutes != DAY_MINUTES:
        check_length(start_text, end_text, start, wanted)
    if (start.hour * 60 + start.minute) % wanted.minutes or start.second:
        text = f"{start:%H:%M:%S} UTC does not begin an interval of {wanted.minutes} minutes"
        raise Refused("contracts.price_grid", text)
    text = first_of(row, PRICES) or ""
    if not text:
        return start, None
    value = read_number(text)
    parts = [row.get(name, "") for name in PARTS]
    parts += [row[PART_OF_CAISO]] if row.get(PART_OF_CAISO) else []
    if all(parts) and abs(value - sum(map(read_number, parts))) > PARTS_TOLERANCE:
        raise Refused(
            "contracts.price_parts",
            f"price {value} is not the sum of its parts {' + '.join(parts)}",
        )
    return start, value


def read_stamp(text: str, wanted: PriceFile, fold: int | None = None) -> datetime:
    """Return an instant in UTC; for a daily series midnight UTC of the date that is written.

    `fold` tells the first (0) of two equal local hours from the second (1).
    """
    if wanted.minutes == DAY_MINUTES:
        stamp = stamp_of(text)
        return datetime(stamp.year, stamp.month, stamp.day, tzinfo=UTC)
    return instant_of(text, wanted.zone, fold)


def instant_of(text: str, zone: str, fold: int | None = None) -> datetime:
    """Return an instant in UTC as it is written, in `zone` where it has no offset.

    Refused when it is no date and time, or has no offset and no zone is named.
    """
    stamp = stamp_of(text)
    if stamp.tzinfo is not None:
        return stamp.astimezone(UTC)
    if not zone:
        raise Refused("contracts.price_naive", f"'{text}' has no offset; name the zone of the file")
    return local_to_utc(stamp, zone, fold=fold)


def stamp_of(text: str) -> datetime:
    """Return a date and time as it is written. Refused when it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("contracts.price_stamp", f"'{text}' is not a date and time") from error


def check_length(start_text: str, end_text: str, start: datetime, wanted: PriceFile) -> None:
    """Refuse an interval that is not as long as those of the series.

    An end without an offset may follow the wall clock or the length, where the clock changes.
    """
    step, end = timedelta(minutes=wanted.minutes), stamp_of(end_text)
    begins = stamp_of(start_text)
    if end.tzinfo is not None or begins.tzinfo is not None:
        length = read_stamp(end_text, wanted) - start
    elif end == (start + step).astimezone(zone_of(wanted.zone)).replace(tzinfo=None):
        return
    else:
        length = end - begins
    if length != step:
        minutes = length / timedelta(minutes=1)
        text = f"an interval of {minutes:g} minutes, the series has {wanted.minutes}"
        raise Refused("contracts.price_length", text)


def read_number(text: str) -> Decimal:
    """Return a price with at most 8 decimals. Refused otherwise."""
    value = plain_decimal(text)
    if value is None:
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
