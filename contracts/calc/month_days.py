"""A local month, or whole local days of one, as people write it.

2026-03; 2026-03-15 to 2026-03-31.
"""

from datetime import date, datetime, timedelta

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period, zone_of

CODE = "contracts.month_days"


def read_days(text: str, zone: str) -> tuple[datetime, datetime]:
    """Return the days as [start, end) in UTC. Refused when they are none, or of two months.

    >>> [f"{one:%m-%d %H:%M}" for one in read_days("2026-03-15 to 2026-03-31", "America/Chicago")]
    ['03-15 05:00', '04-01 05:00']
    """
    said = text.strip()
    try:
        if len(said) == 7:
            month = Period.month(zone, said)
            return month.start_utc, month.end_utc
        first, _, last = (part.strip() for part in said.partition("to"))
        days = date.fromisoformat(first), date.fromisoformat(last or first)
    except (Refused, ValueError) as error:
        raise Refused(CODE, f"'{said}' is no month; write 2026-03, or {_example()}") from error
    if days[1] < days[0]:
        raise Refused(CODE, f"{days[1]} is before {days[0]}")
    found = Period.days_between(zone, *days)
    check_days(found.start_utc, found.end_utc, zone)
    return found.start_utc, found.end_utc


def check_days(start_utc: datetime, end_utc: datetime, zone: str) -> None:
    """Refuse a time that is not made of whole local days of one month."""
    local = [one.astimezone(zone_of(zone)) for one in (start_utc, end_utc)]
    last = (local[1] - timedelta(microseconds=1)).date()
    whole = end_utc > start_utc and all(
        Period.day(zone, one.date()).start_utc == one for one in local
    )
    if not whole or (last.year, last.month) != (local[0].year, local[0].month):
        text = f"{start_utc:%Y-%m-%d %H:%M} to {end_utc:%Y-%m-%d %H:%M} UTC is no month of {zone}"
        raise Refused(CODE, f"{text}; state it for a month, or for whole days of one: {_example()}")


def days_text(start_utc: datetime, end_utc: datetime, zone: str) -> str:
    """Return the days as `read_days` takes them.

    >>> days_text(*read_days("2026-03", "America/Chicago"), "America/Chicago")
    '2026-03'
    """
    found = Period(start_utc, end_utc, zone)
    first, last = found.first_date, found.last_date
    if first.day == 1 and (last + timedelta(days=1)).day == 1:
        return f"{first:%Y-%m}"
    return f"{first} to {last}"


def _example() -> str:
    return "2026-03-15 to 2026-03-31"
