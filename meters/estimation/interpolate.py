"""E05 Interpolation: a straight line between the readings on both sides of a short gap.

``x_k = a + (b - a) * (t_k - t_a) / (t_b - t_a)``. With one usable side the load is held flat.
Solar: only in daylight and up to an hour; wind: up to half an hour; storage: never across a
change of sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    blocked,
    estimators,
    stamp,
    usable,
)
from poweroptix.kernel.fixed import from_micro, micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.rounding import Mode, cumulative, in_words
from poweroptix.kernel.series import Series

PLACES = 3
_SHORTER_MINUTES = {"SOLAR": 60, "WIND": 30}
_DAYLIGHT_MINUTES = 60


@dataclass(frozen=True)
class InterpolateParameters:
    """How long a gap may be, and how far away its neighbours."""

    limit_minutes: int = param(
        default=120, unit="min", minimum=1, help="Longest gap, inclusive (60 under IESO rules)."
    )
    walk_minutes: int = param(
        default=60, unit="min", minimum=0, help="How far to look past unusable neighbours."
    )


@estimators.register("interpolate@1")
class Interpolate:
    """Linear interpolation of a gap of up to two hours (inclusive)."""

    title = "Linear interpolation"
    method = Method.INTERPOLATE
    Parameters = InterpolateParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when the gap is too long or has no usable neighbour."""
        parameters = context.parameters or InterpolateParameters()
        technology = str(context.facts.get("technology", ""))
        length = (gap.stop - gap.start) * series.grid.minutes
        limit = min(parameters.limit_minutes, _SHORTER_MINUTES.get(technology, 10**9))
        if length > limit or any(gap.start < b < gap.stop for b in context.barriers):
            return None
        reach = 1 + parameters.walk_minutes // series.grid.minutes
        good = usable(series) & ~blocked(series, context.flags)
        before = _neighbour(good, range(gap.start - 1, gap.start - 1 - reach, -1))
        after = _neighbour(good, range(gap.stop, gap.stop + reach))
        if before is not None and any(before < b <= gap.start for b in context.barriers):
            before = None
        if after is not None and any(gap.stop <= b <= after for b in context.barriers):
            after = None
        if not _fits(technology, series, gap, before, after):
            return None
        return _estimate(series, gap, before, after)


def _neighbour(good: np.ndarray, indices: range) -> int | None:
    return next((i for i in indices if 0 <= i < len(good) and good[i]), None)


def _fits(
    technology: str, series: Series, gap: slice, before: int | None, after: int | None
) -> bool:
    """Tell whether a straight line is a fair picture of this kind of plant here."""
    if before is None and after is None:
        return False
    if technology == "SOLAR":
        margin = _DAYLIGHT_MINUTES // series.grid.minutes
        around = series.values[max(0, gap.start - margin) : gap.stop + margin]
        outside = np.delete(around, np.s_[min(margin, gap.start) : -margin or None])
        return before is not None and after is not None and bool((outside > 0).all())
    if technology == "BATTERY" and before is not None and after is not None:
        return int(series.values[before]) * int(series.values[after]) >= 0
    return True


def _estimate(series: Series, gap: slice, before: int | None, after: int | None) -> Estimate:
    a = None if before is None else from_micro(int(series.values[before]))
    b = None if after is None else from_micro(int(series.values[after]))
    exact: list[Fraction] = []
    for i in range(gap.start, gap.stop):
        if a is None or b is None or before is None or after is None:
            exact.append(Fraction(a if a is not None else b or Decimal(0)))
        else:
            share = Fraction(i - before, after - before)
            exact.append(Fraction(a) + (Fraction(b) - Fraction(a)) * share)
    rounded = cumulative(exact, PLACES)
    return Estimate(
        gap,
        np.array([micro(value) for value in rounded], dtype=np.int64),
        Method.INTERPOLATE,
        _worksheet(series, gap, (before, a), (after, b), rounded),
        tuple(stamp(series, i) for i in (before, after) if i is not None),
        () if before is not None and after is not None else ("one side only: held flat",),
    )


def _worksheet(
    series: Series,
    gap: slice,
    left: tuple[int | None, Decimal | None],
    right: tuple[int | None, Decimal | None],
    rounded: list[Decimal],
) -> dict[str, Any]:
    flat = left[1] is None or right[1] is None
    return {
        "method": "interpolate@1",
        "formula": "value of the one neighbour" if flat else "a + (b - a) x (t - ta) / (tb - ta)",
        "rounding": f"{in_words(Mode.HALF_EVEN, PLACES)}, cumulative",
        "unit": series.unit,
        "gap": [stamp(series, gap.start), stamp(series, gap.stop)],
        "neighbours": [
            {"side": side, "start": stamp(series, index), "value": f"{value:f}"}
            for side, (index, value) in (("before", left), ("after", right))
            if index is not None and value is not None
        ],
        "values": [f"{value:f}" for value in rounded],
    }
