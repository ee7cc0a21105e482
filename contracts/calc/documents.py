"""Inputs of one period as a JSON document: worked examples, desk-checks and conformance cases.

Series may be written in full ("values"), as one value for every interval ("flat"), or as runs
[[count, value], ...]. Numbers are decimal text; a null value is a missing interval.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.calc import reading
from contracts.calc.demand import MONTH
from contracts.calc.gas_days import CARRY_REACH_DAYS, DAY_MINUTES
from contracts.calc.local_days import grid_of_dates
from contracts.calc.price_terms import PricingInputs
from contracts.charges._base import Calendar, PoolView, PricedLine
from contracts.events import Event, check_event
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series

ROOT = "inputs"  # what the paths of a document begin with
SERIES_FIELDS = {"minutes", "start_utc", "unit", "values", "flat", "runs"}
PRICE_FIELDS = SERIES_FIELDS | {"vintage", "final"}
PERIOD_FIELDS = ("start_utc", "end_utc", "label")
KNOWN = {
    "contract",
    "version",
    "period",
    "zone",
    "currency",
    "series",
    "prices",
    "calendars",
    "histories",
    "in_force",
    "anchor_date",
    "facts",
    "events",
    "lines",
    "pools",
    "carry_in",
    "rounding_point",
    "rounding",
}


def pricing_inputs(document: Mapping[str, Any], defaults: PricingInputs) -> PricingInputs:
    """Return inputs from a document; what it leaves out comes from the contract version.

    `defaults` carries the version's contract, zone, anchor, calendars and facts. Refused with the
    name of the entry that cannot be read.
    """
    reading.exact(ROOT, reading.as_object(ROOT, document))
    unknown = sorted(set(document) - KNOWN)
    if unknown:
        raise Refused(
            "contracts.document",
            f"unknown entry '{unknown[0]}'; known: {', '.join(sorted(KNOWN))}",
        )
    zone = document.get("zone", defaults.zone)
    period = read_period(document, zone, defaults.period)
    return replace(
        defaults,
        zone=zone,
        period=period,
        currency=document.get("currency", defaults.currency),
        series=reading.each(
            f"{ROOT}.series",
            document.get("series", {}),
            lambda name, entry: read_series(name, entry, period),
        ),
        prices=reading.each(
            f"{ROOT}.prices",
            document.get("prices", {}),
            lambda name, entry: read_prices(name, entry, period),
        ),
        calendars={
            **defaults.calendars,
            **reading.each(f"{ROOT}.calendars", document.get("calendars", {}), _read_calendar),
        },
        histories={**defaults.histories, **read_histories(document)},
        in_force=read_in_force(document, defaults),
        anchor_date=read_date(document, "anchor_date", defaults.anchor_date),
        facts={
            **defaults.facts,
            **reading.as_object(f"{ROOT}.facts", document.get("facts", {})),
        },
        events=read_events(document.get("events", ())),
        lines=tuple(read_line(entry) for entry in document.get("lines", ())),
        pools=reading.each(f"{ROOT}.pools", document.get("pools", {}), read_pool),
        carry_in=reading.as_object(f"{ROOT}.carry_in", document.get("carry_in", {})),
        rounding_point=document.get("rounding_point", defaults.rounding_point),
        rounding=Mode(document.get("rounding", defaults.rounding)),
    )


def read_period(document: Mapping[str, Any], zone: str, default: Period) -> Period:
    """Return a month "2026-03", a day "2026-03-08", or {"start_utc", "end_utc", "label"}."""
    entry = document.get("period")
    if entry is None:
        return default
    path = f"{ROOT}.period"
    try:
        with reading.reading(path):
            return _read_period(path, entry, zone)
    except Refused as error:
        if error.code == reading.CODE:
            raise
        raise reading.refused(path, error.message) from error


def _read_period(path: str, entry: Any, zone: str) -> Period:
    if isinstance(entry, str):
        if len(entry) == 7:
            return Period.month(zone, entry)
        return Period.day(zone, reading.as_date(path, entry))
    reading.as_object(path, entry, PERIOD_FIELDS)
    reading.required(path, entry, PERIOD_FIELDS, PERIOD_FIELDS)
    start, end = read_instant(entry["start_utc"]), read_instant(entry["end_utc"])
    return Period(start, end, zone, reading.as_text(f"{path}.label", entry["label"]))


def read_instant(text: str) -> datetime:
    """Return an instant with its offset. Refused without one."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Refused("contracts.document", f"'{text}' is not an instant") from error
    if found.tzinfo is None:
        raise Refused("contracts.document", f"'{text}' has no offset from UTC")
    return found


def read_events(entries: Any) -> tuple[Event, ...]:
    """Return events; Refused when one cannot be read, is of no known kind or has wrong values."""
    found = []
    for entry in reading.as_list(f"{ROOT}.events", entries):
        try:
            start = read_instant(entry["start_utc"]).astimezone(UTC)
            end = read_instant(entry.get("end_utc", entry["start_utc"])).astimezone(UTC)
            values, reference = entry.get("values", {}), str(entry.get("reference", ""))
            event = Event(str(entry["kind"]), start, end, dict(values), reference)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            text = f'events: {entry!r} is not {{"kind", "start_utc", "end_utc", "values"}}'
            raise Refused("contracts.document", text) from error
        try:
            check_event(event)
        except DomainError as error:
            raise Refused(error.code, f"events: {error.message}") from error
        found.append(event)
    return tuple(sorted(found, key=lambda one: one.order))


def _read_calendar(_code: str, entry: Mapping[str, Any]) -> Calendar:
    holidays = frozenset(date.fromisoformat(day) for day in entry.get("holidays", ()))
    return Calendar(TouSchedule.from_json(entry["schedule"]), holidays)


def read_line(entry: Any) -> PricedLine:
    """Return a line that was priced before; Refused unless it has code, label and amount."""
    try:
        amount = entry["amount_usd"]
        known = read_number("amount_usd", amount)
        figures = {name: read_number(name, text) for name, text in entry.get("figures", {}).items()}
        line = PricedLine(int(entry["line_code"]), str(entry["label"]), known, figures)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = (
            f'lines: {entry!r} is not {{"line_code": 10, "label": "Energy", "amount_usd": "1.00"}}'
        )
        raise Refused("contracts.document", text) from error
    return line


def read_pool(code: str, entry: Mapping[str, Any]) -> PoolView:
    """Return what a contract sees of a pool of money; Refused for an entry that is unknown."""
    known = {one.name for one in fields(PoolView)}
    unknown = sorted(set(entry) - known)
    if unknown:
        text = f"pools.{code}: unknown entry '{unknown[0]}'; known: {', '.join(sorted(known))}"
        raise Refused("contracts.document", text)
    numbers = {
        name: read_number(f"pools.{code}.{name}", entry.get(name))
        for name in ("amount_usd", "operator_usd", "weight", "weights", "extra_usd", "share_usd")
    }
    above = entry.get("above")
    return PoolView(
        **{
            "pool": code,
            "kind": "COST",
            "period": "",
            **entry,
            **numbers,
            "above": None if above is None else read_pool(above["pool"], above),
        }
    )


def read_histories(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return indices by month, {"CPI-U": {"2026-01": "325.000"}}; Refused when one is not."""
    found = {}
    written = reading.as_object(f"{ROOT}.histories", document.get("histories", {}))
    for code, months in written.items():
        if not isinstance(months, Mapping):
            text = f'histories: {code} is not {{"2026-01": "325.000"}}'
            raise Refused("contracts.document", text)
        for month, text in months.items():
            if not MONTH.fullmatch(str(month)) or read_number(f"{code} {month}", text) is None:
                raise Refused("contracts.document", f"{code}: '{month}' is no month with an index")
        found[code] = dict(months)
    return found


def read_date(document: Mapping[str, Any], name: str, default: date | None) -> date | None:
    """Return a local date such as 2026-07-15."""
    if name not in document:
        return default
    try:
        return date.fromisoformat(document[name])
    except (TypeError, ValueError) as error:
        raise Refused("contracts.document", f"{name}: '{document[name]}' is not a date") from error


def read_in_force(document: Mapping[str, Any], defaults: PricingInputs) -> tuple[date, date] | None:
    """First and last local day on which the version holds."""
    if "in_force" not in document:
        return defaults.in_force
    path = f"{ROOT}.in_force"
    days = reading.as_list(path, document["in_force"])
    if len(days) != 2:
        raise reading.refused(path, "is the first and the last local day.")
    return reading.as_date(path, days[0]), reading.as_date(path, days[1])


def read_grid(name: str, entry: Mapping[str, Any], period: Period) -> Grid:
    """Start, minutes and count; the start is the period's unless it is written."""
    minutes = int(entry.get("minutes", 15))
    if "start_utc" not in entry and "values" not in entry:
        return period.grid(minutes)
    start = read_instant(entry["start_utc"]) if "start_utc" in entry else period.start_utc
    count = len(entry["values"]) if "values" in entry else period.grid(minutes).count
    if count == 0:
        raise Refused("contracts.document", f"{name} has no values")
    return Grid(start, minutes, count)


def read_values(name: str, entry: Mapping[str, Any], count: int) -> list[Decimal | None]:
    """Return the values of a series in any of the three ways of writing them."""
    if "values" in entry:
        texts = entry["values"]
    elif "flat" in entry:
        texts = [entry["flat"]] * count
    else:
        texts = [text for number, text in entry.get("runs", ()) for _ in range(number)]
    if len(texts) != count:
        raise Refused(
            "contracts.document", f"{name} has {len(texts)} values, its period {count} intervals"
        )
    return [read_number(name, text) for text in texts]


def read_number(name: str, text: Any) -> Decimal | None:
    """Return a plain decimal written as text, or null for a missing one."""
    if text is None:
        return None
    value = plain_decimal(text, digits=WRITTEN_DIGITS)
    if value is None:
        raise Refused("contracts.document", f"{name}: {text!r} is not a decimal number in quotes")
    return value


def read_series(name: str, entry: Mapping[str, Any], period: Period) -> Series:
    """Return readings of a quantity. Refused with the name of a field that is unknown."""
    reading.as_object(f"{ROOT}.series.{name}", entry, SERIES_FIELDS)
    grid = read_grid(name, entry, period)
    return Series.of(grid, read_values(name, entry, grid.count), entry.get("unit", "kWh"))


def read_prices(name: str, entry: Mapping[str, Any], period: Period) -> PriceSeries:
    """Return published prices with their vintage.

    One flat price a day holds for every date of the period, and for the days before it that a gas
    day or a carried weekend reaches back to. Refused with the name of a field that is unknown.
    """
    reading.as_object(f"{ROOT}.prices.{name}", entry, PRICE_FIELDS)
    grid = read_grid(name, {"minutes": 60, **entry}, period)
    if grid.minutes == DAY_MINUTES and "flat" in entry and "start_utc" not in entry:
        first = period.first_date - timedelta(days=1 + CARRY_REACH_DAYS)
        days = (period.last_date - first).days + 1
        grid = grid_of_dates([first + timedelta(days=one) for one in range(days)])
    return PriceSeries.of(
        grid,
        read_values(name, entry, grid.count),
        entry.get("unit", "USD/MWh"),
        entry.get("vintage", "example"),
        bool(entry.get("final", True)),
    )
