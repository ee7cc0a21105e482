"""Terms in plain words: money, growth, seasons and rounding as a contract would write them."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby

from contracts.calc.contract_year import anniversary
from contracts.calc.escalation import EscalatorParameters
from contracts.charges._base import TermContext
from poweroptix.kernel.calendar import TouRow, TouSchedule
from poweroptix.kernel.words import counted

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
GROUPS = {"weekday": WEEK[:5], "weekend": WEEK[5:], "all": (*WEEK, "holiday")}
PRICED = {"delivered": "Energy", "metered": "Metered energy, without losses"}


def number(value: Decimal, least: int = 0) -> str:
    """Return a number with thousands separators, all its digits and `least` decimals.

    >>> number(Decimal("60000.000")), number(Decimal("62.5"), 2), number(Decimal("-0.075"), 2)
    ('60,000', '62.50', '−0.075')
    """
    whole, _, fraction = f"{abs(value):,f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return ("−" if value < 0 else "") + whole + (f".{fraction}" if fraction else "")


def dollars(value: Decimal, unit: str = "") -> str:
    """Return a price in words.

    >>> dollars(Decimal("62.5"), "USD/MWh"), dollars(Decimal("-12500"))
    ('$62.50 per MWh', '−$12,500.00')
    """
    text = number(abs(value), 2)
    per = unit.removeprefix("USD/") if unit.startswith("USD/") else ""
    return f"{'−' if value < 0 else ''}${text}" + (f" per {per}" if per else "")


def percent(ratio: Decimal) -> str:
    """Return a ratio as per cent without idle zeros.

    >>> percent(Decimal("0.0200")), percent(Decimal("0.8"))
    ('2 %', '80 %')
    """
    return f"{number(ratio * 100)} %"


def day(value: date) -> str:
    """Return a date in words.

    >>> day(date(2026, 7, 1))
    '1 July 2026'
    """
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def listed(words: Iterable[str]) -> str:
    """Return words as a list in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def listed_or(choices: Iterable[str]) -> str:
    """Return choices in their order of preference.

    >>> listed_or(["a"]), listed_or(["a", "b", "c"])
    ('a', 'a, else b, else c')
    """
    return ", else ".join(choices)


def priced(context: TermContext) -> str:
    """Return what the price is paid for.

    >>> priced(TermContext(quantity_name="delivered.solar"))
    'Energy from solar'
    """
    whole, _, source = context.quantity_name.partition(".")
    if whole == "delivered" and source:
        return f"Energy from {source}"
    return PRICED.get(context.quantity_name, f"Energy of “{context.quantity_name}”")


def since(context: TermContext, terms: EscalatorParameters | None = None) -> str:
    """Return from when a price holds: the first day of year 1 when it grows, else of the version.

    >>> since(TermContext(first_date=date(2026, 7, 1)))
    ' from 1 July 2026'
    """
    grows = terms is not None and terms.escalator != "NONE"
    start = context.anchor_date if grows else context.first_date
    return f" from {day(start)}" if start else ""


def turn_of_year(rule: str, anchor: date | None) -> str:
    """Return the day of the year on which a contract year turns."""
    if rule == "CALENDAR":
        return "1 January"
    if anchor is None:
        return "contract year"
    if rule == "MONTH_END" and anchor.day != 1:
        anchor = (anchor.replace(day=1) + timedelta(days=32)).replace(day=1)
    turn = anniversary(anchor, 2027)
    return f"{turn.day} {MONTHS[turn.month - 1]}"


def anniversaries(anchor: date | None) -> str:
    """Return when a yearly fee falls due.

    >>> anniversaries(date(2026, 7, 1))
    'on 1 July of each year'
    """
    return (
        f"on {turn_of_year('ANNIVERSARY', anchor)} of each year" if anchor else "on the anniversary"
    )


def rounding(places: int, unit: str, line_per: str) -> str:
    """Return how quantity and cents are rounded.

    >>> rounding(3, "MWh", "CHARGE")
    'The quantity is rounded to 3 places of a MWh; the sum is rounded to cents once.'
    """
    cents = (
        "every row is rounded to cents" if line_per == "ROW" else "the sum is rounded to cents once"
    )
    return f"The quantity is rounded to {counted(places, 'place')} of a {unit}; {cents}."


def seasons(schedule: TouSchedule, names: Iterable[str] = ()) -> str:
    """Return when each period is, the longest one as all other hours.

    `names` limits it to the periods that are priced.
    """
    wanted = list(names) or list(schedule.names)
    rest = max(schedule.names, key=lambda name: _minutes(schedule, name))
    if len(schedule.names) == 1:
        return f"{rest} is every hour."
    if set(wanted) != set(schedule.names):
        rest = ""  # "all other hours" is true only beside all the others
    said = [f"{name} is {_when(schedule, name)}" for name in wanted if name != rest]
    if rest:
        aside = ", holidays included" if _rests_on_holidays(schedule, rest) else ""
        said.append(f"{rest} is all other hours{aside}")
    return "; ".join(said) + f" ({schedule.zone} time)."


def has_holidays(schedule: TouSchedule) -> bool:
    """Tell whether a holiday can have other hours than the day of the week it falls on."""
    kinds = [kinds_of(row) for row in schedule.rows]
    return any("holiday" in one and not one.issuperset(WEEK) for one in kinds)


def _rests_on_holidays(schedule: TouSchedule, name: str) -> bool:
    """Tell whether a period has all hours of the holidays, which are days of their own."""
    rows = [row for row in schedule.rows if "holiday" in kinds_of(row)]
    return has_holidays(schedule) and {row.period_name for row in rows} == {name}


def _minutes(schedule: TouSchedule, name: str) -> int:
    return sum(
        len(row.months) * len(kinds_of(row)) * (row.end_minute - row.start_minute)
        for row in schedule.rows
        if row.period_name == name
    )


def kinds_of(row: TouRow) -> frozenset[str]:
    """Return the day types of a row, its groups taken apart."""
    return frozenset(kind for each in row.day_types for kind in GROUPS.get(each, (each,)))


def _when(schedule: TouSchedule, name: str) -> str:
    """Return months, days and hours of one period; months that are alike stand together."""
    rows = [row for row in schedule.rows if row.period_name == name]
    shapes: dict[tuple, list[int]] = {}
    for month in range(1, 13):
        shape = _shape([row for row in rows if month in row.months])
        if shape:
            shapes.setdefault(shape, []).append(month)
    return ", and ".join(
        _months(months)
        + listed(f"{_days(kinds)} {listed(map(_hours, windows))}" for windows, kinds in shape)
        for shape, months in shapes.items()
    )


def _shape(rows: list[TouRow]) -> tuple:
    """Return ((windows, days) ...) of one month: days with the same hours stand together."""
    windows: dict[str, list[tuple[int, int]]] = {}
    for row in sorted(rows, key=lambda one: one.start_minute):
        for kind in kinds_of(row):
            found = windows.setdefault(kind, [])
            if found and found[-1][1] == row.start_minute:
                found[-1] = (found[-1][0], row.end_minute)
            else:
                found.append((row.start_minute, row.end_minute))
    alike: dict[tuple, list[str]] = {}
    for kind in (*WEEK, "holiday"):
        if kind in windows:
            alike.setdefault(tuple(windows[kind]), []).append(kind)
    return tuple((hours, tuple(kinds)) for hours, kinds in alike.items())


def _months(months: list[int]) -> str:
    """Return months as runs that may pass the end of the year; nothing for the whole year."""
    if len(months) == 12:
        return ""
    keyed = groupby(enumerate(months), key=lambda pair: pair[1] - pair[0])
    runs = [[month for _, month in run] for _, run in keyed]
    if len(runs) > 1 and runs[0][0] == 1 and runs[-1][-1] == 12:
        runs[0] = runs.pop() + runs[0]
    texts = [
        MONTHS[run[0] - 1] + (f" to {MONTHS[run[-1] - 1]}" if len(run) > 1 else "") for run in runs
    ]
    return f"{listed(texts)} on "


def _days(kinds: tuple[str, ...]) -> str:
    whole = {
        WEEK[:5]: "weekdays",
        WEEK[5:]: "weekends",
        (*WEEK[5:], "holiday"): "weekends and holidays",
        WEEK: "every day",
        (*WEEK, "holiday"): "every day",
    }
    return whole.get(kinds) or listed(
        "holidays" if kind == "holiday" else f"{kind.title()}s" for kind in kinds
    )


def _hours(window: tuple[int, int]) -> str:
    start, end = window
    return f"{start // 60:02d}:{start % 60:02d} to {end // 60:02d}:{end % 60:02d}"
