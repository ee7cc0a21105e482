"""Prices that were not published: the ladder of substitutes that a contract names.

Each missing price takes the first rung that has an answer; what no rung answers stays missing and
blocks the line. A substitute is provisional: the published price replaces it in a true-up. Rungs
look at published prices only, never at other substitutes, and stand before the change of interval
length, the multiplier and the adder (order of the index chain).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from contracts.calc import words
from contracts.calc.local_days import prices_on
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.parameters import param
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode, to_integer
from poweroptix.kernel.words import counted

DAY_MINUTES = 1440
TAKES = ("NEIGHBOURS", "SERIES", "SAME_TIME", "AVERAGE_DAYS", "LAST_PUBLISHED")
#: What each rung needs beside its name; the others stay empty.
OWN_FIELD = {"NEIGHBOURS": "longest_gap", "SERIES": "series"}
SPANS_SAID = 3


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One step of a ladder: where a price comes from when the ones before have none."""

    take: str = param(
        choices=TAKES,
        help="NEIGHBOURS: mean of the prices before and after the gap; SERIES: another series; "
        "SAME_TIME: the same local time of the newest day before that has one; AVERAGE_DAYS: mean "
        "of the same local time of the days before; LAST_PUBLISHED: the newest price before.",
    )
    series: str = param(default="", help="Code of the other series, with SERIES.")
    longest_gap: int | None = param(
        default=None, minimum=1, help="Longest gap in price intervals, with NEIGHBOURS."
    )
    days: int | None = param(
        default=None,
        minimum=1,
        maximum=62,
        help="How many days back, with SAME_TIME, AVERAGE_DAYS and LAST_PUBLISHED.",
    )

    def __post_init__(self) -> None:
        """Refuse a rung without what it needs, or with what it would not read."""
        wanted = OWN_FIELD.get(self.take, "days")
        for name in ("series", "longest_gap", "days"):
            if bool(getattr(self, name)) != (name == wanted):
                verb = "needs" if name == wanted else "has no"
                raise Refused("contracts.rung", f"the rung {self.take} {verb} '{name}'")

    def said(self, title: Callable[[str], str] = str) -> str:
        """Return where the price comes from, in words."""
        if self.take == "NEIGHBOURS":
            return "the mean of the neighbours"
        if self.take == "SERIES":
            return f"the price of {title(self.series)}"
        if self.take == "SAME_TIME":
            return "the same time of the day before"
        if self.take == "AVERAGE_DAYS":
            return f"the mean of the same time of the {counted(self.days or 0, 'day')} before"
        return "the last published price"

    def limit(self) -> str:
        """Return how far the rung reaches, in words; empty where nothing limits it."""
        if self.take == "NEIGHBOURS":
            return f" for a gap of at most {counted(self.longest_gap or 0, 'price')}"
        if self.take in ("SAME_TIME", "LAST_PUBLISHED"):
            return f", at most {counted(self.days or 0, 'day')} back"
        return ""


@dataclass(frozen=True, kw_only=True)
class LadderParameters:
    """The part of an index clause that says what replaces a price that was not published."""

    ladder: tuple[Rung, ...] = param(
        default=(),
        help="Rungs in order, one per line: take=NEIGHBOURS, longest_gap=1 or take=SERIES, "
        "series=CODE or take=LAST_PUBLISHED, days=31. Without any, a missing price blocks.",
    )

    def helpers(self) -> tuple[str, ...]:
        """Codes of the series that rungs fall back on."""
        return tuple(rung.series for rung in self.ladder if rung.take == "SERIES")

    def days_before(self) -> int:
        """How many days of prices before the period the rungs may look at."""
        return max(
            (1 if rung.take == "NEIGHBOURS" else rung.days or 0 for rung in self.ladder), default=0
        )


@dataclass(frozen=True)
class Filled:
    """Prices after the ladder: `rung` is -1 where published, else the number of the rung."""

    prices: PriceSeries
    rung: np.ndarray
    ladder: tuple[Rung, ...] = ()

    @property
    def is_substituted(self) -> np.ndarray:
        """Which price intervals have a substitute."""
        return self.rung >= 0


def climb(
    code: str,
    published: PriceSeries,
    parameters: LadderParameters,
    others: Mapping[str, PriceSeries],
    zone: str,
) -> Filled:
    """Fill the gaps of a series from its ladder. Refused when a rung's series is unusable."""
    origin = np.full(published.grid.count, -1, dtype=np.int8)
    values = published.values.copy()
    for number, rung in enumerate(parameters.ladder):
        if not (values == MISSING).any():
            break
        answer = _answers(code, published, rung, others, zone)
        for at in np.flatnonzero(values == MISSING).tolist():
            found = answer(at)
            if found is not None:
                values[at], origin[at] = found, number
    if not (origin >= 0).any():
        return Filled(published, origin, parameters.ladder)
    vintage = f"{published.vintage}, substitutes".lstrip(", ")
    filled = PriceSeries(published.grid, values, published.unit, vintage, False)
    return Filled(filled, origin, parameters.ladder)


def _answers(
    code: str, published: PriceSeries, rung: Rung, others: Mapping[str, PriceSeries], zone: str
) -> Callable[[int], int | None]:
    """Return the rung as a function from a position to a price, None where it has none."""
    if rung.take == "SERIES":
        return _by_position(_other(code, published, rung.series, others, zone))
    if rung.take == "NEIGHBOURS":
        return lambda at: _between(published.values, at, rung.longest_gap or 0)
    if rung.take == "LAST_PUBLISHED":
        reach = (rung.days or 0) * DAY_MINUTES // published.grid.minutes
        return lambda at: _last(published.values, at, reach)

    def earlier(at: int) -> int | None:
        found = [
            value
            for back in range(1, (rung.days or 0) + 1)
            if (value := _same_time(published, at, back, zone)) is not None
        ]
        if not found:
            return None
        return found[0] if rung.take == "SAME_TIME" else mean(found)

    return earlier


def _by_position(values: np.ndarray) -> Callable[[int], int | None]:
    return lambda at: None if values[at] == MISSING else int(values[at])


def _other(
    code: str, published: PriceSeries, name: str, others: Mapping[str, PriceSeries], zone: str
) -> np.ndarray:
    """Return another series on the grid of the published one."""
    other = quoted_in(published.unit, name, others, code)
    if other.grid.minutes % published.grid.minutes:
        text = (
            f"prices of {name} every {other.grid.minutes} minutes cannot stand in for prices of "
            f"{code} every {published.grid.minutes} minutes"
        )
        raise Refused("contracts.index_minutes", text)
    return prices_on(other, published.grid, zone)


def priced_series(code: str, prices: Mapping[str, PriceSeries]) -> PriceSeries:
    """Return the prices of a code. Refused with the known ones when the run does not have it."""
    if code not in prices:
        known = ", ".join(sorted(prices)) or "none"
        raise Refused("contracts.index_unknown", f"no prices of '{code}'; known: {known}")
    return prices[code]


def quoted_in(
    unit: str, code: str, prices: Mapping[str, PriceSeries], reader: str = "the term"
) -> PriceSeries:
    """Return the prices of a code in the unit that the reader needs; else Refused."""
    found = priced_series(code, prices)
    if found.unit != unit:
        text = f"{code} is quoted in {found.unit}, {reader} in {unit}"
        raise Refused("contracts.index_unit", text)
    return found


def mean(values: list[int]) -> int:
    """Return the mean of prices in 10^-8, half-up to the same places.

    >>> mean([3120000000, 2980000000])
    3050000000
    """
    return to_integer(Fraction(sum(values), len(values)), Mode.HALF_UP)


def _between(values: np.ndarray, at: int, longest: int) -> int | None:
    """Mean of both neighbours of the gap around a position, when the gap is short enough."""
    low = high = at
    while low >= 0 and values[low] == MISSING and at - low <= longest:
        low -= 1
    while high < values.size and values[high] == MISSING and high - at <= longest:
        high += 1
    inside = low >= 0 and high < values.size and high - low - 1 <= longest
    if not inside or MISSING in (values[low], values[high]):
        return None
    return mean([int(values[low]), int(values[high])])


def _last(values: np.ndarray, at: int, reach: int) -> int | None:
    """Return the newest published price before a position, at most `reach` intervals back."""
    before = np.flatnonzero(values[max(0, at - reach) : at] != MISSING)
    return int(values[max(0, at - reach) + before[-1]]) if before.size else None


def _same_time(published: PriceSeries, at: int, back: int, zone: str) -> int | None:
    """Price of the same local time some days before; None where that hour was left out."""
    start = published.grid.start_of(at)
    if published.grid.minutes == DAY_MINUTES:
        target = start - timedelta(days=back)
    else:
        wall = start.astimezone(ZoneInfo(zone)) - timedelta(days=back)
        target = wall.astimezone(UTC)
        if target.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall.replace(tzinfo=None):
            return None
    offset = (target - published.grid.start_utc) // timedelta(minutes=published.grid.minutes)
    if offset < 0 or published.values[offset] == MISSING:
        return None
    return int(published.values[offset])


def spans(filled: Filled, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the runs of substitutes that touch [start, end), each of one rung."""
    grid, found = filled.prices.grid, []
    step = timedelta(minutes=grid.minutes)
    used = [at for at in np.flatnonzero(filled.is_substituted).tolist()
            if grid.start_of(at) < end and grid.start_of(at) + step > start]  # fmt: skip
    for (rung, _), run in groupby(
        enumerate(used), key=lambda pair: (int(filled.rung[pair[1]]), pair[1] - pair[0])
    ):
        positions = [at for _, at in run]
        found.append(
            {
                "rung": rung,
                "from": filled.ladder[rung].said(),
                "start_utc": _stamp(grid.start_of(positions[0])),
                "end_utc": _stamp(grid.start_of(positions[-1]) + step),
                "intervals": len(positions),
            }
        )
    return found


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def evidence(code: str, runs: list[dict[str, Any]]) -> tuple[Figure, ...]:
    """Return how many prices are substitutes, in all and by rung, with their hours."""
    if not runs:
        return ()
    by_rung: dict[int, list[dict[str, Any]]] = {}
    for run in runs:
        by_rung.setdefault(run["rung"], []).append(run)
    parts = tuple(
        Figure(
            f"from_rung_{number + 1}",
            Decimal(sum(run["intervals"] for run in of_rung)),
            "count",
            Source("index", code, of_rung[0]["from"], {"spans": of_rung}),
            note=_said(of_rung),
        )
        for number, of_rung in sorted(by_rung.items())
    )
    formula = " + ".join(part.name for part in parts)
    return (Figure.computed("provisional_intervals", "count", formula, *parts),)


def finding(code: str, runs: list[dict[str, Any]], where: str) -> Finding | None:
    """Return the warning that makes a line provisional, with the hours of every rung."""
    if not runs:
        return None
    count = sum(run["intervals"] for run in runs)
    sources = list(dict.fromkeys(run["from"] for run in runs))
    told = "; ".join(
        f"{source}: {_said([run for run in runs if run['from'] == source])}" for source in sources
    )
    return Finding(
        "contracts.price_provisional",
        f"{counted(count, 'price')} of {code} not published, so the line is provisional. {told}",
        severity=Severity.WARN,
        where=where,
        metric=Decimal(count),
        data={"series": code, "spans": runs},
        fix=f"Publish the prices of {code}; a true-up bills the difference.",
    )


def _said(runs: list[dict[str, Any]]) -> str:
    """Return the hours of some runs in words, the first few of many."""
    told = [f"{run['start_utc']} to {run['end_utc']}" for run in runs[:SPANS_SAID]]
    more = len(runs) - len(told)
    return ", ".join(told) + (f" and {counted(more, 'further gap')}" if more else "")


def sentence(parameters: LadderParameters, title: Callable[[str], str]) -> str:
    """Return the ladder in words; what a contract without one says when it has none."""
    if not parameters.ladder:
        return "a missing price is never taken as zero, the bill waits for it"
    rungs = [rung.said(title) + rung.limit() for rung in parameters.ladder]
    return (
        f"a missing price is replaced by {words.listed_or(rungs)}, is provisional and is corrected "
        "once it is published; what nothing replaces is never taken as zero, the bill waits for it"
    )
