"""E10 Recent days: the mean of the previous seven days, whatever weekday they are.

For data-centre tenants whose load has little weekly shape: only when the mean of weekdays and the
mean of weekend days of those seven differ by no more than 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.reference_days import SATURDAY, History
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    day_sheet,
    estimators,
    history_of,
    local_days,
    made,
    mean_of,
    text_of,
)
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class RecentDaysParameters:
    """How many days, and how flat the week must be."""

    days: int = param(default=7, unit="days", minimum=2, maximum=28, help="Days to look back.")
    flat_pct: Decimal = param(
        default=Decimal(5), unit="%", minimum=0,
        help="How far weekdays and weekend may differ, inclusive.",
    )  # fmt: skip


@estimators.register("recent_days@1")
class RecentDays:
    """Mean of the previous seven days, for the steady load of a tenant."""

    title = "Average of recent days"
    method = Method.PLANT_MODEL
    Parameters = RecentDaysParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None for other points, or when the week is not flat."""
        if context.facts.get("kind") != "TENANT_LOAD":
            return None
        parameters: RecentDaysParameters = context.parameters or RecentDaysParameters()
        history = history_of(series, context)
        numbers: dict[int, Fraction] = {}
        sheets, used, warnings = [], [], []
        for day, rows in local_days(history.clock.date_ordinal, gap):
            near = history.near(day, parameters.days, 0)
            ratio = _weekday_over_weekend(history, near)
            if ratio is None or abs(ratio - 1) * 100 > Fraction(parameters.flat_pct):
                return None
            slots = history.clock.minute_of_day[rows]
            references = history.take(near, slots, parameters.days, rows)
            if not references:
                return None
            numbers |= dict(zip(rows.tolist(), mean_of(history, references), strict=True))
            used += [reference.iso for reference in references]
            sheet = day_sheet(history, day, slots, references)
            sheets.append(sheet | {"weekday_over_weekend": text_of(ratio)})
            if len(references) < parameters.days:
                name = date.fromordinal(day).isoformat()
                warnings.append(f"only {len(references)} reference day(s) for {name}")
        return made(
            series, gap, "recent_days@1", Method.PLANT_MODEL,
            "mean of the same slot on the previous days",
            [numbers[i] for i in range(gap.start, gap.stop)],
            inputs={"days": sheets}, used=tuple(dict.fromkeys(used)), warnings=warnings,
        )  # fmt: skip


def _weekday_over_weekend(history: History, days: list[int]) -> Fraction | None:
    """Return mean weekday over mean weekend interval; None when either has no reading or is 0."""
    ordinals = history.clock.date_ordinal
    means = []
    for weekend in (False, True):
        chosen = [d for d in days if ((d - 1) % 7 >= SATURDAY) == weekend]
        mask = np.isin(ordinals, chosen) & history.good
        if not mask.any():
            return None
        means.append(Fraction(total(history.series.values[mask]), MICRO * int(mask.sum())))
    return means[0] / means[1] if means[1] else None
