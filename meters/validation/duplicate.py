"""V02 Duplicate: one start was delivered with different values."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("duplicate@1")
class Duplicate(BaseRule):
    """One file gives one value per start.

    Identical copies are one value. Different values reject all copies, also when two of three
    agree. Judges ``context.duplicates``, the repeats that the reading of a file met.
    """

    code = "V02"
    title = "Duplicate"
    measures = "Different values"
    stage = Stage.STRUCTURE
    Parameters = NoParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (REJECT) per start with differing values."""
        found = []
        length = timedelta(minutes=series.grid.minutes)
        for start, values in context.duplicates:
            different = sorted(set(values))
            if len(different) < 2:
                continue
            shown = " and ".join(f"{value:,f}" for value in different[:3])
            found.append(
                Finding(
                    "V02",
                    f"Different values for one interval: {shown} {series.unit}.",
                    Severity.REJECT,
                    metric=Decimal(len(different)),
                    threshold=Decimal(1),
                    start_utc=start,
                    end_utc=start + length,
                    fix="Ask the source which value holds and send it once.",
                )
            )
        return found
