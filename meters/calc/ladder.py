"""The ladder of estimation: for each gap the first method that applies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from meters.estimation import Estimate, EstimationContext, estimators
from meters.validation._base import runs
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

Step = tuple[str, Any]

# What was measured comes first, what is certain second, what is likely last. A confirmed outage
# therefore stands before every guess: a load that was off has no like day. Limits of a step for a
# kind of plant (solar interpolates an hour, wind half) are in the estimator itself.
_MEASURED = ("reread@1", "exchange@1", "check_meter@1", "node_calc@1", "scada@1")
_LIKE_DAYS = ("like_day@1", "avg_like_day@1", "prev_year@1")
_TOTALS = ("profile@1", "average_daily_load@1", "agreed@1")

#: Technology, or kind of point where there is none -> estimators, the first that applies wins.
LADDERS: Mapping[str, tuple[str, ...]] = {
    "LOAD": (*_MEASURED, "zero@1", "interpolate@1", *_LIKE_DAYS, *_TOTALS),
    "TENANT_LOAD": (
        "reread@1", "exchange@1", "check_meter@1", "device_sum@1", "node_calc@1", "scada@1",
        "zero@1", "interpolate@1", "recent_days@1", *_LIKE_DAYS, *_TOTALS,
    ),
    "GAS_ENGINE": (*_MEASURED, "zero@1", "interpolate@1", "gas@1", *_LIKE_DAYS, *_TOTALS),
    "GAS_TURBINE": (*_MEASURED, "zero@1", "interpolate@1", "gas@1", *_LIKE_DAYS, *_TOTALS),
    "FUEL_CELL": (*_MEASURED, "zero@1", "interpolate@1", "gas@1", *_LIKE_DAYS, *_TOTALS),
    "NUCLEAR": (*_MEASURED, "zero@1", "interpolate@1", *_LIKE_DAYS, *_TOTALS),
    "SOLAR": (*_MEASURED, "zero@1", "interpolate@1", "solar@1", "profile@1", "agreed@1"),
    "WIND": (*_MEASURED, "zero@1", "interpolate@1", "wind@1", *_TOTALS),
    "BATTERY": (*_MEASURED, "zero@1", "interpolate@1", "storage@1", "agreed@1"),
}  # fmt: skip
#: Quantities that are no energy: a line over a short gap, never another day.
_STATES = frozenset({"VOLT", "AMPERE", "RATIO", "OTHER", "SOC", "IRRADIANCE", "WIND_SPEED"})
_STATE = ("reread@1", "check_meter@1", "interpolate@1", "agreed@1")
#: Breaker open or closed: nothing lies between.
_SWITCH = ("reread@1", "agreed@1")
#: What was planned: nobody guesses a plan.
_PLAN = ("reread@1", "agreed@1")
#: Plants whose days are not alike, and reactive energy there: only what was measured, and a line.
_UNLIKE = frozenset({"SOLAR", "WIND", "BATTERY"})
_BESIDE_PLANT = (*_MEASURED, "zero@1", "interpolate@1", "agreed@1")
DEFAULT_STEPS: tuple[Step, ...] = tuple((key, None) for key in LADDERS["LOAD"])


def ladder(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the estimators for a point, in order: by technology, else by kind, else for loads.

    Models of plants are for active energy (`quantity` KWH); other quantities have shorter ladders,
    and a schedule (`role`) has only what is sent again or agreed.

    >>> ladder({"technology": "BATTERY"})[-2:]
    ('storage@1', 'agreed@1')
    >>> ladder({"kind": "TENANT_LOAD", "role": "SCHEDULE"})
    ('reread@1', 'agreed@1')
    >>> ladder({"technology": "WIND", "quantity": "WIND_SPEED"})
    ('reread@1', 'check_meter@1', 'interpolate@1', 'agreed@1')
    """
    if facts.get("role") == "SCHEDULE":
        return _PLAN
    quantity = facts.get("quantity", "KWH")
    if quantity == "RUNNING":
        return _SWITCH
    if quantity in _STATES:
        return _STATE
    if quantity != "KWH" and facts.get("technology") in _UNLIKE:
        return _BESIDE_PLANT
    for fact in ("technology", "kind"):
        if facts.get(fact) in LADDERS:
            return LADDERS[facts[fact]]
    return LADDERS["LOAD"]


def steps_for(
    facts: Mapping[str, Any], parameters: Mapping[str, Any], off: Collection[str] = ()
) -> tuple[Step, ...]:
    """Return the ladder of a point with parameters by key (defaults otherwise), less what is off.

    >>> steps_for({}, {}, off=LADDERS["LOAD"][1:])
    (('reread@1', None),)
    """
    return tuple((key, parameters.get(key)) for key in ladder(facts) if key not in off)


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
    steps: Sequence[Step] | None = None,
) -> Estimate | None:
    """Return the estimate of the first step that applies; None when none does.

    A step is the key of an estimator and its parameters (None: the defaults); without steps, the
    ladder of the point.
    """
    for key, parameters in steps_for(context.facts, {}) if steps is None else steps:
        found = estimators.get(key).estimate(series, gap, replace(context, parameters=parameters))
        if found is not None:
            return found
    return None


def pieces(gap: slice, context: EstimationContext) -> list[slice]:
    """Return a gap cut where a confirmed outage begins or ends, so that only its part is zero.

    >>> from meters.calc.evidence import Evidence, Span
    >>> outage = Evidence(not_energised=(Span(3, 5, "outage 7"),))
    >>> pieces(slice(1, 9), EstimationContext(evidence=outage))
    [slice(1, 3, None), slice(3, 5, None), slice(5, 9, None)]
    """
    edges = {edge for span in context.evidence.not_energised for edge in (span.first, span.end)}
    inside = sorted(edge for edge in edges if gap.start < edge < gap.stop)
    return [slice(a, b) for a, b in pairwise([gap.start, *inside, gap.stop])]


def fill(
    series: Series,
    wanted: np.ndarray,
    context: EstimationContext,
    steps: Sequence[Step] | None = None,
) -> Filled:
    """Estimate every unbroken run of ``wanted`` intervals, cut at confirmed outages.

    All estimates rest on the series as given, never on each other, so their order is indifferent.
    """
    values, status = series.values.copy(), series.status.copy()
    method = np.zeros(series.grid.count, dtype=np.uint8)
    estimates, unfilled = [], []
    gaps = [gap for a, b in runs(wanted) for gap in pieces(slice(a, b), context)]
    for gap in gaps:
        found = estimate_gap(series, gap, context, steps)
        if found is None:
            unfilled.append(gap)
            continue
        values[gap] = found.values
        status[gap] = int(Status.ESTIMATED)
        method[gap] = int(found.method)
        estimates.append(found)
    filled = Series(series.grid, values, status, series.unit)
    return Filled(filled, method, tuple(estimates), tuple(unfilled))
