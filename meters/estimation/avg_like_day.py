"""E07 Average of like days: the mean of the same wall-clock slot on up to three reference days.

Which days may serve, and in what order: `meters.calc.reference_days`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    day_sheet,
    estimators,
    history_of,
    local_days,
    made,
    mean_of,
)
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.rounding import estimate as round_estimate
from poweroptix.kernel.series import Series

_NEVER = frozenset({"SOLAR", "WIND", "BATTERY"})


@dataclass(frozen=True)
class AvgLikeDayParameters:
    """Which days may serve."""

    lookback_days: int = param(
        default=35, unit="days", minimum=1, maximum=400, help="How far back reference days lie."
    )
    forward_days: int = param(
        default=0, unit="days", minimum=0, maximum=400, help="How far ahead they may lie."
    )
    days: int = param(default=3, unit="count", minimum=1, maximum=31, help="Days to average.")


@estimators.register("avg_like_day@1")
class AvgLikeDay:
    """Average of the three nearest like days, slot by slot.

    Not for solar, wind and storage, whose days are not alike.
    """

    title = "Average of like days"
    method = Method.AVG_LIKE_DAY
    Parameters = AvgLikeDayParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when some day of the gap has no reference day."""
        if context.facts.get("technology") in _NEVER:
            return None
        parameters: AvgLikeDayParameters = context.parameters or AvgLikeDayParameters()
        history = history_of(series, context)
        numbers: dict[int, Fraction] = {}
        sheets, used, warnings = [], [], []
        for day, rows in local_days(history.clock.date_ordinal, gap):
            near = history.near(day, parameters.lookback_days, parameters.forward_days)
            slots = history.clock.minute_of_day[rows]
            references = history.take(history.ranked(near, day), slots, parameters.days, rows)
            if not references:
                return None
            means = mean_of(history, references)
            numbers |= dict(zip(rows.tolist(), means, strict=True))
            used += [reference.iso for reference in references]
            if len(references) < parameters.days:
                name = date.fromordinal(day).isoformat()
                warnings.append(f"only {len(references)} reference day(s) for {name}")
            sheet = day_sheet(history, day, slots, references)
            sheets.append(sheet | {"means": [f"{round_estimate(mean):f}" for mean in means]})
        return made(
            series, gap, "avg_like_day@1", Method.AVG_LIKE_DAY,
            "mean of the same slot on the reference days",
            [numbers[i] for i in range(gap.start, gap.stop)],
            inputs={"days": sheets}, used=tuple(dict.fromkeys(used)), warnings=warnings,
        )  # fmt: skip
