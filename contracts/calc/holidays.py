"""The six holidays of wholesale power in North America, as NERC lists them.

One that falls on a Sunday is observed on Monday; one that falls on a Saturday stays.
"""

from collections.abc import Iterable
from datetime import date, timedelta

MONDAY, THURSDAY, SUNDAY = 0, 3, 6


def nerc_holidays(year: int) -> list[tuple[date, str]]:
    """Dates and names of one year, in order.

    >>> [day.isoformat() for day, name in nerc_holidays(2022)]
    ['2022-01-01', '2022-05-30', '2022-07-04', '2022-09-05', '2022-11-24', '2022-12-26']
    """
    return [
        (observed(date(year, 1, 1)), "New Year's Day"),
        (last_monday_of_may(year), "Memorial Day"),
        (observed(date(year, 7, 4)), "Independence Day"),
        (nth_weekday(year, 9, MONDAY, 1), "Labor Day"),
        (nth_weekday(year, 11, THURSDAY, 4), "Thanksgiving Day"),
        (observed(date(year, 12, 25)), "Christmas Day"),
    ]


def nerc_years(years: Iterable[int]) -> list[tuple[date, str]]:
    """Holidays of several years, in order."""
    return sorted(row for year in years for row in nerc_holidays(year))


def observed(day: date) -> date:
    """Monday for a Sunday, otherwise the day itself."""
    return day + timedelta(days=1) if day.weekday() == SUNDAY else day


def nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    """Return the n-th given weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def last_monday_of_may(year: int) -> date:
    """Memorial Day."""
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())
