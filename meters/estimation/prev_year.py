"""E08 Previous year: the same slot on the like day of a year ago, 52 weeks back or nearest to it.

364 days keep the weekday. Candidates lie up to two weeks around that day, same type first, then the
same class; one day is copied. AEMO substitution types 23, 51 and 61.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from meters.calc.reference_days import History, clock_of
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    day_sheet,
    estimators,
    exact_at,
    history_of,
    local_days,
    made,
    usable,
)
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

_NEVER = frozenset({"SOLAR", "WIND", "BATTERY"})


@dataclass(frozen=True)
class PrevYearParameters:
    """Where the day of last year may lie."""

    days_back: int = param(
        default=364, unit="days", minimum=1, maximum=800, help="How far back: 52 weeks."
    )
    spread_days: int = param(
        default=14, unit="days", minimum=0, maximum=60, help="How far around that day to look."
    )


@estimators.register("prev_year@1")
class PrevYear:
    """Copy of the like day of the previous year; not for solar, wind and storage."""

    title = "Previous year"
    method = Method.PREV_YEAR
    Parameters = PrevYearParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when last year is not known or has no like day."""
        if context.facts.get("technology") in _NEVER:
            return None
        parameters: PrevYearParameters = context.parameters or PrevYearParameters()
        past = _last_year(series, context)
        if past is None:
            return None
        clock = clock_of(series.grid, context.zone)
        numbers: dict[int, Fraction] = {}
        sheets, used = [], []
        for day, rows in local_days(clock.date_ordinal, gap):
            slots = clock.minute_of_day[rows]
            middle = day - parameters.days_back
            near = past.near(day, parameters.spread_days, parameters.spread_days, middle)
            same_series = past.series is series
            references = past.take(past.ranked(near, day), slots, 1, rows if same_series else None)
            if not references:
                return None
            for row, place in zip(rows.tolist(), references[0].places.tolist(), strict=True):
                numbers[row] = exact_at(past.series, place)
            used.append(references[0].iso)
            sheets.append(day_sheet(past, day, slots, references))
        return made(
            series, gap, "prev_year@1", Method.PREV_YEAR,
            "the same slot on the like day of the previous year",
            [numbers[i] for i in range(gap.start, gap.stop)],
            inputs={"days": sheets}, used=tuple(dict.fromkeys(used)),
        )  # fmt: skip


def _last_year(series: Series, context: EstimationContext) -> History | None:
    """Return last year as given, else the series itself."""
    given = context.evidence.last_year
    if given is None:
        return history_of(series, context)
    if given.grid.minutes != series.grid.minutes or given.unit != series.unit:
        return None
    outages = frozenset(day.toordinal() for day in context.evidence.last_year_outages)
    return History(given, context.zone, context.holidays, usable(given), outages)
