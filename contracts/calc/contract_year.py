"""Which contract year a local day belongs to.

Contract year n of a day is 1 + the number of anniversaries of the anchor that are not after it.
An anchor on 29 February has its anniversary on 28 February in ordinary years.
"""

from calendar import monthrange
from datetime import date, timedelta

from poweroptix.kernel.errors import Refused

RULES = ("ANNIVERSARY", "MONTH_END", "CALENDAR")


def anniversary(anchor: date, year: int) -> date:
    """Return the anchor's day in another calendar year.

    >>> anniversary(date(2024, 2, 29), 2026)
    datetime.date(2026, 2, 28)
    """
    last = monthrange(year, anchor.month)[1]
    return date(year, anchor.month, min(anchor.day, last))


def contract_year(anchor: date, day: date, rule: str = "ANNIVERSARY") -> int:
    """Return number of the contract year of a local day, from 1.

    ANNIVERSARY turns on the anchor's day; MONTH_END lets the first year run to the end of the
    month of the first anniversary; CALENDAR turns on 1 January after a stub.
    Refused before the anchor: no price is borrowed from a year that has not begun.

    >>> contract_year(date(2026, 7, 15), date(2027, 7, 14))
    1
    >>> contract_year(date(2026, 7, 15), date(2027, 7, 31), "MONTH_END")
    1
    >>> contract_year(date(2026, 7, 15), date(2027, 1, 1), "CALENDAR")
    2
    """
    if day < anchor:
        raise Refused(
            "contracts.before_anchor",
            f"{day} is before {anchor}, the first day of contract year 1",
            day=day.isoformat(),
            anchor=anchor.isoformat(),
        )
    if rule == "CALENDAR":
        return 1 + day.year - anchor.year
    if rule == "MONTH_END" and anchor.day != 1:
        first_of_next = (anchor.replace(day=1) + timedelta(days=32)).replace(day=1)
        return 1 if day < first_of_next else contract_year(first_of_next, day)
    return 1 + day.year - anchor.year - (day < anniversary(anchor, day.year))


def first_day_of_year(anchor: date, year: int, rule: str = "ANNIVERSARY") -> date:
    """Return the first local day of a contract year, from 1.

    >>> first_day_of_year(date(2026, 7, 15), 2), first_day_of_year(date(2026, 7, 15), 2, "CALENDAR")
    (datetime.date(2027, 7, 15), datetime.date(2027, 1, 1))
    >>> first_day_of_year(date(2026, 7, 15), 2, "MONTH_END")
    datetime.date(2027, 8, 1)
    """
    if year == 1:
        return anchor
    if rule == "CALENDAR":
        return date(anchor.year + year - 1, 1, 1)
    if rule == "MONTH_END" and anchor.day != 1:
        anchor = (anchor.replace(day=1) + timedelta(days=32)).replace(day=1)
    return anniversary(anchor, anchor.year + year - 1)
