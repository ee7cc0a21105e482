"""E09 Profile: a known energy spread over the missing intervals by the weights of a shape.

The known energy is a register's advance or a contract quantity for a range around the gap. What was
metered in the range is taken off; all missing intervals of the range share the rest, so that
several gaps in one range add up. AEMO substitution type 24, customer class 57 and 63; BSCP502 meter
advance with profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from meters.calc.evidence import Known
from meters.estimation._base import (
    PLACES,
    RUNNING,
    Estimate,
    EstimationContext,
    estimators,
    exact_at,
    stamp,
    text_of,
    usable,
)
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MICRO, micro
from poweroptix.kernel.quality import Method
from poweroptix.kernel.rounding import cumulative
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ProfileParameters:
    """Nothing to set: the shape comes with the evidence."""


@estimators.register("profile@1")
class Profile:
    """Register or contract quantity, less what was metered, by the weights of a shape."""

    title = "Profile"
    method = Method.PROFILE
    Parameters = ProfileParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate from the shortest known range around the gap that serves."""
        shape = context.evidence.shape
        if shape is None or shape.series.grid != series.grid:
            return None
        around = [
            known
            for known in context.evidence.known
            if 0 <= known.first <= gap.start and gap.stop <= known.end <= series.grid.count
        ]
        for known in sorted(around, key=lambda k: (k.end - k.first, k.first)):
            found = _spread(series, gap, known, shape.series)
            if found is not None:
                values, sheet = found
                head = {
                    "method": "profile@1",
                    "formula": "(known - metered) x weight / sum of weights",
                    "rounding": RUNNING,
                    "unit": series.unit,
                    "gap": [stamp(series, gap.start), stamp(series, gap.stop)],
                    "shape": shape.name,
                }
                return Estimate(
                    gap, values, Method.PROFILE, head | sheet, (shape.name, known.source)
                )
        return None


def _spread(
    series: Series, gap: slice, known: Known, shape: Series
) -> tuple[np.ndarray, dict[str, object]] | None:
    """Return the values of the gap and the worksheet; None when this range cannot serve."""
    window = slice(known.first, known.end)
    absent = series.missing.copy()
    absent[gap] = True
    open_places = known.first + np.flatnonzero(absent[window])
    metered = usable(series)[window] & ~absent[window]
    if not (metered | absent[window]).all() or shape.missing[open_places].any():
        return None
    measured = Fraction(total(series.values[window][metered]), MICRO)
    need = Fraction(known.energy_kwh) - measured
    weights = [exact_at(shape, int(i)) for i in open_places]
    whole = sum(weights, Fraction(0))
    if need < 0 or min(weights) < 0:
        return None
    parts = [need * w / whole if whole else need / len(weights) for w in weights]
    rounded = cumulative(parts, PLACES)
    inside = (open_places >= gap.start) & (open_places < gap.stop)
    values = [each for each, here in zip(rounded, inside.tolist(), strict=True) if here]
    sheet: dict[str, object] = {
        "known": {
            "source": known.source,
            "range": [stamp(series, known.first), stamp(series, known.end)],
            "energy": text_of(known.energy_kwh),
            "metered": text_of(measured),
            "rest": text_of(need),
        },
        "missing": [stamp(series, int(i)) for i in open_places],
        "weights": [text_of(weight) for weight in weights],
        "values": [f"{value:f}" for value in values],
    }
    return np.array([micro(value) for value in values], dtype=np.int64), sheet
