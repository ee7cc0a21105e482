"""E06 Like day: one whole reference day of the same type, copied slot by slot.

For gaps that take more than half of a local day: the shape of one day that really was is truer than
a mix of several. Shorter gaps take the average of like days. AEMO substitution types 14 and 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    day_sheet,
    estimators,
    exact_at,
    history_of,
    local_days,
    made,
)
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

_NEVER = frozenset({"SOLAR", "WIND", "BATTERY"})


@dataclass(frozen=True)
class LikeDayParameters:
    """When a whole day is copied, and which."""

    above_pct: Decimal = param(
        default=Decimal(50), unit="%", minimum=0, maximum=100,
        help="Share of a local day that must be missing, exclusive.",
    )  # fmt: skip
    lookback_days: int = param(
        default=35, unit="days", minimum=1, maximum=400, help="How far back the day lies."
    )
    forward_days: int = param(
        default=0, unit="days", minimum=0, maximum=400, help="How far ahead it may lie."
    )
    selection: str = param(
        default="NEAREST", choices=("NEAREST", "TWO_WEEKS"),
        help="Nearest day of the same type, or the two-week look-up table.",
    )  # fmt: skip


@estimators.register("like_day@1")
class LikeDay:
    """Copy of the nearest day of the same type when most of a day is missing.

    Not for solar, wind and storage, whose days are not alike.
    """

    title = "Like day"
    method = Method.LIKE_DAY
    Parameters = LikeDayParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when no day is mostly missing or one has no like day."""
        if context.facts.get("technology") in _NEVER:
            return None
        parameters: LikeDayParameters = context.parameters or LikeDayParameters()
        history = history_of(series, context)
        ordinals = history.clock.date_ordinal
        days = local_days(ordinals, gap)
        limit = Fraction(parameters.above_pct) / 100
        if not any(_missing_share(series, ordinals, day, gap) > limit for day, _ in days):
            return None
        numbers: dict[int, Fraction] = {}
        sheets, used = [], []
        for day, rows in days:
            slots = history.clock.minute_of_day[rows]
            if parameters.selection == "TWO_WEEKS":
                candidates = history.two_weeks(day)
            else:
                near = history.near(day, parameters.lookback_days, parameters.forward_days)
                candidates = history.same(near, day)
            references = history.take(candidates, slots, 1, rows)
            if not references:
                return None
            for row, place in zip(rows.tolist(), references[0].places.tolist(), strict=True):
                numbers[row] = exact_at(series, place)
            used.append(references[0].iso)
            sheets.append(day_sheet(history, day, slots, references))
        return made(
            series, gap, "like_day@1", Method.LIKE_DAY, "the same slot on the reference day",
            [numbers[i] for i in range(gap.start, gap.stop)],
            inputs={"selection": parameters.selection, "days": sheets},
            used=tuple(dict.fromkeys(used)),
        )  # fmt: skip


def _missing_share(series: Series, ordinals: np.ndarray, day: int, gap: slice) -> Fraction:
    """Return which part of a local day has no reading, the gap counted as missing."""
    absent = series.missing.copy()
    absent[gap] = True
    of_day = ordinals == day
    return Fraction(int((absent & of_day).sum()), int(of_day.sum()))
