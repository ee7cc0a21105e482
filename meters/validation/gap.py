"""V01 Gap: an expected interval has no value."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from meters.validation._base import BaseRule, Stage, ValidationContext, instant, rules, runs
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("gap@1")
class Gap(BaseRule):
    """Every expected interval has a value.

    The expected grid comes from the context: it ends at the last day that is due, so a day inside
    its grace period is no gap. One finding per unbroken run; metric is the number of intervals.
    """

    code = "V01"
    title = "Gap"
    measures = "Missing intervals"
    stage = Stage.STRUCTURE
    Parameters = NoParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (ESTIMATE) per run of missing intervals."""
        expected = context.expected or series.grid
        absent = np.ones(expected.count, dtype=bool)
        offset = (expected.start_minute - series.grid.start_minute) // expected.minutes
        first, last = max(0, -offset), min(expected.count, series.grid.count - offset)
        if first < last:
            absent[first:last] = series.missing[first + offset : last + offset]
        found = []
        for a, b in runs(absent):
            count = b - a
            text = f"{count} interval{'s' if count > 1 else ''} of {expected.minutes} minutes"
            found.append(
                Finding(
                    "V01",
                    f"{text} missing.",
                    Severity.ESTIMATE,
                    metric=Decimal(count),
                    threshold=Decimal(0),
                    start_utc=instant(expected, a),
                    end_utc=instant(expected, b),
                    data={"count": count},
                    fix="Send the readings again, or let them be estimated.",
                )
            )
        return found
