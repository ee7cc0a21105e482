"""The holidays of a schedule in words, so that a time-of-use line can be checked by hand."""

from collections.abc import Mapping
from datetime import date
from itertools import groupby

from contracts.calc import words
from contracts.calc.holidays import nerc_years
from poweroptix.kernel.calendar import TouSchedule

RULE = (
    "New Year's Day (1 January), Memorial Day (the last Monday of May), Independence Day (4 July), "
    "Labor Day (the first Monday of September), Thanksgiving Day (the fourth Thursday of November) "
    "and Christmas Day (25 December); one that falls on a Sunday is observed on the Monday after"
)


def said(schedule: TouSchedule, listed: Mapping[date, str] | None) -> str:
    """Return which days are holidays, as sentences that follow the hours.

    Nothing where the schedule treats holidays like any other day, or where the list is not known
    (None). A list that is the NERC rule for its years is said as the rule, any other by its dates.
    """
    if listed is None or not words.has_holidays(schedule):
        return ""
    if not listed:
        return " The calendar lists no holidays."
    years = sorted({day.year for day in listed})
    if dict(nerc_years(years)) == dict(listed):
        return f" Holidays are {RULE} (listed for {_span(years)})."
    rows = groupby(sorted(listed.items()), key=lambda row: row[0].year)
    dates = "; ".join(
        words.listed(f"{words.day(day)} ({name})" if name else words.day(day) for day, name in year)
        for _, year in rows
    )
    return f" Holidays are {dates}."


def _span(years: list[int]) -> str:
    """Return years as a range where none is left out.

    >>> _span([2025, 2026, 2027]), _span([2025, 2027]), _span([2026])
    ('2025 to 2027', '2025 and 2027', '2026')
    """
    if len(years) > 1 and years[-1] - years[0] == len(years) - 1:
        return f"{years[0]} to {years[-1]}"
    return words.listed(map(str, years))
