"""E13 Agreed: values that a person entered or the parties agreed on, with name and reason.

The last step of every ladder. AEMO substitution types 16, 55, 64 and 74.
"""

from __future__ import annotations

from dataclasses import dataclass

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    allowed,
    estimators,
    exact_at,
    stamp,
    texts,
)
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class AgreedParameters:
    """Nothing to set."""


@estimators.register("agreed@1")
class AgreedValues:
    """The agreed values as they are, if all of the gap was agreed and somebody says why."""

    title = "Agreed values"
    method = Method.MANUAL
    Parameters = AgreedParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the values; None when some are not there, or without person and reason."""
        agreed = context.evidence.agreed
        if agreed is None or agreed.series.grid != series.grid:
            return None
        if agreed.series.missing[gap].any() or not agreed.person or not agreed.reason.strip():
            return None
        if not allowed([exact_at(agreed.series, i) for i in range(gap.start, gap.stop)], context):
            return None
        sheet = {
            "method": "agreed@1",
            "formula": "as agreed",
            "rounding": "not rounded",
            "unit": series.unit,
            "gap": [stamp(series, gap.start), stamp(series, gap.stop)],
            "person": agreed.person,
            "reason": agreed.reason,
            "values": texts(agreed.series, gap),
        }
        return Estimate(
            gap, agreed.series.values[gap].copy(), Method.MANUAL, sheet, (agreed.person,)
        )
