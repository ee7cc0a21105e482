"""E12 Average daily load: when only the total of a local day is known, evenly over what is missing.

With a total of the day: ``(total - metered) / missing intervals``. With an average alone: its share
of 24 hours, so that a day of 25 hours takes more. AEMO substitution types 25 and 65. Not for solar,
which has a night.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from meters.calc.reference_days import clock_of
from meters.estimation._base import (
    PLACES,
    RUNNING,
    Estimate,
    EstimationContext,
    estimators,
    local_days,
    stamp,
    text_of,
    usable,
)
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MICRO, micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Method
from poweroptix.kernel.rounding import cumulative
from poweroptix.kernel.series import Series

DAY_MINUTES = 1440


@dataclass(frozen=True)
class AverageDailyLoadParameters:
    """Nothing to set: totals come with the evidence."""


@estimators.register("average_daily_load@1")
class AverageDailyLoad:
    """Even load from the total of the day, else from an average daily load."""

    title = "Average daily load"
    method = Method.ADL
    Parameters = AverageDailyLoadParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when some day has no total or more was metered than it."""
        if context.facts.get("technology") == "SOLAR":
            return None
        ordinals = clock_of(series.grid, context.zone).date_ordinal
        values: list[int] = []
        sheets, written = [], []
        for day, rows in local_days(ordinals, gap):
            found = _day(series, gap, context, ordinals == day, date.fromordinal(day))
            if found is None:
                return None
            by_place, sheet = found
            texts = [by_place[row] for row in rows.tolist()]
            sheet |= {"first": list(by_place).index(int(rows[0])), "count": len(texts)}
            values += [micro(value) for value in texts]
            written += [f"{value:f}" for value in texts]
            sheets.append(sheet)
        sheet = {
            "method": "average_daily_load@1",
            "formula": "(total of the day - metered) / missing, or average x hours / 24",
            "rounding": f"{RUNNING} over the missing intervals of a day",
            "unit": series.unit,
            "gap": [stamp(series, gap.start), stamp(series, gap.stop)],
            "days": sheets,
            "values": written,
        }
        used = tuple(each["day"] for each in sheets)
        return Estimate(gap, np.array(values, dtype=np.int64), Method.ADL, sheet, used)


def _day(
    series: Series, gap: slice, context: EstimationContext, of_day: np.ndarray, day: date
) -> tuple[dict[int, Any], dict[str, Any]] | None:
    """Return values by place for all that is missing on a local day, and the worksheet."""
    absent = series.missing & of_day
    absent[gap] |= of_day[gap]
    places = np.flatnonzero(absent).tolist()
    known, average = context.evidence.daily_kwh.get(day), context.evidence.average_daily_kwh
    sheet: dict[str, Any] = {"day": day.isoformat(), "missing": len(places)}
    if known is not None:
        metered = usable(series) & of_day & ~absent
        local = Period.day(context.zone, day)
        whole = series.grid.start_utc <= local.start_utc and local.end_utc <= series.grid.end_utc
        if not whole or not (metered | absent)[of_day].all():
            return None
        measured = Fraction(total(series.values[metered]), MICRO)
        need = Fraction(known) - measured
        if need < 0:
            return None
        each = need / len(places)
        sheet |= {"total": text_of(known), "metered": text_of(measured)}
    elif average is not None and average >= 0:
        each = Fraction(average) * series.grid.minutes / DAY_MINUTES
        sheet |= {"average": text_of(average)}
    else:
        return None
    rounded = cumulative([each] * len(places), PLACES)
    return dict(zip(places, rounded, strict=True)), sheet | {"each": text_of(each)}
