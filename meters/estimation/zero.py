"""E11 Zero: no energy flowed, because an outage is confirmed or the point was not energised.

The point's own power failure flag is not enough: the reading of an outage is kept as it came.
AEMO substitution types 19, 58 and 68.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from meters.estimation._base import Estimate, EstimationContext, estimators, made, stamp
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ZeroParameters:
    """Nothing to set: the outage comes with the evidence."""


@estimators.register("zero@1")
class Zero:
    """Zero all over the gap, when all of the gap lies in confirmed outages."""

    title = "Zero, not energised"
    method = Method.ZERO
    Parameters = ZeroParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return zeros; None when part of the gap was energised as far as is known."""
        touching = [
            span
            for span in context.evidence.not_energised
            if span.first < gap.stop and gap.start < span.end
        ]
        covered = np.zeros(series.grid.count, dtype=bool)
        for span in touching:
            covered[max(span.first, 0) : span.end] = True
        if not covered[gap].all():
            return None
        spans = [
            {
                "range": [
                    stamp(series, max(span.first, 0)),
                    stamp(series, min(span.end, series.grid.count)),
                ],
                "reason": span.reason,
            }
            for span in touching
        ]
        return made(
            series, gap, "zero@1", Method.ZERO, "0",
            [Fraction(0)] * (gap.stop - gap.start),
            inputs={"not_energised": spans},
            used=tuple(span.reason for span in touching),
        )  # fmt: skip
