"""E02 Check meter: the check or backup meter, times its own ratio to the main meter.

``k = sum of main / sum of check`` over the intervals good on both in the 168 hours before the gap.
Meters on two sides of a transformer are told apart by a loss factor instead. California rules and
the AEMO substitution type 11 put the check meter before any guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from meters.calc.evidence import Check
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    allowed,
    estimators,
    exact_at,
    fits,
    made,
    near_one,
    ratio_before,
    text_of,
    texts,
)
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class CheckMeterParameters:
    """How the ratio is found and how far it may be off one."""

    window_hours: int = param(
        default=168, unit="hours", minimum=1, maximum=8784, help="How far back the ratio looks."
    )
    min_intervals: int = param(
        default=96, unit="count", minimum=1, help="Intervals good on both that the ratio needs."
    )
    limit_pct: Decimal = param(
        default=Decimal(5), unit="%", minimum=0, help="How far the ratio may be off one, inclusive."
    )


@estimators.register("check_meter@1")
class CheckMeter:
    """The first check or backup meter that is good all over the gap, times its ratio."""

    title = "Check meter"
    method = Method.CHECK_METER
    Parameters = CheckMeterParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when no check meter is good in the gap with a fair ratio."""
        for check in context.evidence.checks:
            if not fits(series, check.series, gap):
                continue
            factor, sheet = _factor(series, check, gap, context)
            numbers = [
                exact_at(check.series, i) * factor for i in range(gap.start, gap.stop) if factor
            ]
            if numbers and allowed(numbers, context):
                inputs = {"check": check.name, "check_values": texts(check.series, gap), **sheet}
                return made(
                    series, gap, "check_meter@1", Method.CHECK_METER,
                    "check x loss factor" if check.loss_factor else "check x k",
                    numbers, inputs=inputs, used=(check.name,),
                )  # fmt: skip
        return None


def _factor(
    series: Series, check: Check, gap: slice, context: EstimationContext
) -> tuple[Fraction, dict[str, Any]]:
    """Return the factor and how it came about; zero when there is none to trust."""
    if check.loss_factor is not None:
        return Fraction(check.loss_factor), {"loss_factor": text_of(check.loss_factor)}
    parameters: CheckMeterParameters = context.parameters or CheckMeterParameters()
    ratio = ratio_before(series, check.series, gap, context, parameters.window_hours)
    if ratio is None or ratio.intervals < parameters.min_intervals:
        return Fraction(0), {}
    if not near_one(ratio, parameters.limit_pct):
        return Fraction(0), {}
    return ratio.value, {"ratio": ratio.to_json() | {"window_hours": parameters.window_hours}}
