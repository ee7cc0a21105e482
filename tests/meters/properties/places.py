"""Zones, days on which clocks change, and files in local or absolute time."""

import datetime as dt

from hypothesis import strategies as st

from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period, zone_of

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix", "Europe/London",
)  # fmt: skip
HEAD = "meter_id,channel,interval_start,interval_seconds,value,unit,status"


def _changes() -> dict[tuple[str, int], list[dt.date]]:
    """Return by zone and hours (23 or 25) the days of 2024 to 2027 that are not 24 hours long."""
    found = {(zone, hours): [] for zone in ZONES for hours in (23, 25)}
    for zone in ZONES:
        for day in Period.days_between(zone, dt.date(2024, 1, 1), dt.date(2027, 12, 31)).days():
            hours = Period.day(zone, day).hours
            if hours != 24:
                found[zone, int(hours)].append(day)
    return found


CHANGES = _changes()


@st.composite
def local_days(draw):
    """Return a zone and a day of 2024 to 2027, as often as not one on which the clock changes."""
    zone = draw(st.sampled_from(ZONES))
    any_day = st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31))
    changing = CHANGES[zone, 23] + CHANGES[zone, 25]
    return zone, draw(st.one_of(st.sampled_from(changing), any_day) if changing else any_day)


def absolute_rows(grid: Grid, values: list[str], zone: str) -> list[str]:
    """Return rows of long CSV whose stamps carry the offset of the zone."""
    place = zone_of(zone)
    stamps = [grid.start_of(n).astimezone(place).isoformat() for n in range(grid.count)]
    return _rows(grid, stamps, values)


def local_rows(grid: Grid, values: list[str], zone: str, label: str) -> list[str]:
    """Return rows of long CSV with the clock's time and no offset, beginning or ending labels.

    An ending label is told by the clock that ran during the interval: the first 01:00 of an autumn
    night ends 00:45 to 01:00 of summer time (vee.md 8.3).
    """
    place = zone_of(zone)
    shift = dt.timedelta(minutes=grid.minutes if label == "END" else 0)
    stamps = [
        ((grid.start_of(n) + shift).astimezone(place)).strftime("%Y-%m-%dT%H:%M:%S")
        for n in range(grid.count)
    ]
    return _rows(grid, stamps, values)


def _rows(grid: Grid, stamps: list[str], values: list[str]) -> list[str]:
    seconds = grid.minutes * 60
    return [
        f"GEN-01,DEL_KWH,{stamp},{seconds},{value},kWh,A"
        for stamp, value in zip(stamps, values, strict=True)
    ]


def text(rows: list[str]) -> str:
    """Return a file of rows."""
    return "\n".join([HEAD, *rows]) + "\n"
