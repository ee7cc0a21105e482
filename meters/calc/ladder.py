"""The ladder of estimation: for each gap the first method that applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from meters.estimation import Estimate, EstimationContext, estimators
from meters.validation._base import runs
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

Step = tuple[str, Any]
DEFAULT_STEPS: tuple[Step, ...] = (("interpolate@1", None), ("avg_like_day@1", None))


@dataclass(frozen=True)
class Filled:
    """A series with its gaps estimated. ``method`` is set where ``estimates`` are."""

    series: Series
    method: np.ndarray
    estimates: tuple[Estimate, ...]
    unfilled: tuple[slice, ...]


def estimate_gap(
    series: Series,
    gap: slice,
    context: EstimationContext,
    steps: Sequence[Step] = DEFAULT_STEPS,
) -> Estimate | None:
    """Return the estimate of the first step that applies; None when none does.

    A step is the key of an estimator and its parameters (None: the defaults).
    """
    for key, parameters in steps:
        found = estimators.get(key).estimate(series, gap, replace(context, parameters=parameters))
        if found is not None:
            return found
    return None


def fill(
    series: Series,
    wanted: np.ndarray,
    context: EstimationContext,
    steps: Sequence[Step] = DEFAULT_STEPS,
) -> Filled:
    """Estimate every unbroken run of ``wanted`` intervals.

    All estimates rest on the series as given, never on each other, so their order is indifferent.
    """
    values, status = series.values.copy(), series.status.copy()
    method = np.zeros(series.grid.count, dtype=np.uint8)
    estimates, unfilled = [], []
    for a, b in runs(wanted):
        found = estimate_gap(series, slice(a, b), context, steps)
        if found is None:
            unfilled.append(slice(a, b))
            continue
        values[a:b] = found.values
        status[a:b] = int(Status.ESTIMATED)
        method[a:b] = int(found.method)
        estimates.append(found)
    filled = Series(series.grid, values, status, series.unit)
    return Filled(filled, method, tuple(estimates), tuple(unfilled))
