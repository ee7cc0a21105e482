"""E01 Reread: what the meter itself answered when it was asked again."""

from __future__ import annotations

from dataclasses import dataclass

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    allowed,
    estimators,
    exact_at,
    fits,
    stamp,
    texts,
)
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class RereadParameters:
    """Nothing to set."""


@estimators.register("reread@1")
class Reread:
    """The second answer of the meter, as it came; all of the gap or none of it."""

    title = "Reread of the meter"
    method = Method.REREAD
    Parameters = RereadParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the readings; None when some interval was not answered with a good one."""
        again = context.evidence.reread
        if again is None or not fits(series, again.series, gap):
            return None
        if not allowed([exact_at(again.series, i) for i in range(gap.start, gap.stop)], context):
            return None
        values = texts(again.series, gap)
        sheet = {
            "method": "reread@1",
            "formula": "as reread",
            "rounding": "not rounded",
            "unit": series.unit,
            "gap": [stamp(series, gap.start), stamp(series, gap.stop)],
            "source": again.name,
            "values": values,
        }
        values = again.series.values[gap].copy()
        # The meter said so itself: a reading, not an estimate.
        return Estimate(gap, values, Method.REREAD, sheet, (again.name,), status=Status.VALIDATED)
