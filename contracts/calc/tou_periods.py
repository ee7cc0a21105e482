"""Prices by time-of-use period: whether they fit their calendar, and when each period is."""

from collections.abc import Iterable

from contracts.calc import holiday_words, words
from contracts.charges._base import TermContext
from poweroptix.kernel.finding import Finding


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that stand more than once, in order.

    >>> repeated(["ON", "OFF", "ON"])
    ['ON']
    """
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})


def twice_priced(names: Iterable[str]) -> list[Finding]:
    """Find periods that have more than one price."""
    return [
        Finding("contracts.price_twice", f"{name} has two prices", where="prices")
        for name in repeated(names)
    ]


def unpriced(code: str, names: Iterable[str], context: TermContext, where: str) -> list[Finding]:
    """Find periods of a calendar without a price; nothing while the calendar is not known."""
    calendar = context.calendars.get(code)
    known = set(calendar.schedule.names) if calendar else set()
    return [
        Finding("contracts.period_unpriced", f"{name} has no price", where=where)
        for name in sorted(known - set(names))
    ]


def unknown(code: str, names: Iterable[str], context: TermContext, where: str) -> list[Finding]:
    """Find priced periods that a calendar does not have; nothing while it is not known."""
    calendar = context.calendars.get(code)
    if calendar is None:
        return []
    known = sorted(calendar.schedule.names)
    return [
        Finding(
            "contracts.period_unknown",
            f"'{name}' is not a period of {code}; known: {', '.join(known)}",
            where=where,
        )
        for name in sorted(set(names) - set(known))
    ]


def said(code: str, context: TermContext, names: Iterable[str] = ()) -> str:
    """Return when each period is and which days are holidays, as sentences.

    `names` limits it to the periods that are priced. A calendar that is not known is named.
    """
    calendar = context.calendars.get(code)
    if calendar is None:
        return f"The hours are those of the calendar “{context.title(code)}”."
    hours = words.seasons(calendar.schedule, names)
    return hours + holiday_words.said(calendar.schedule, context.holidays.get(code))
