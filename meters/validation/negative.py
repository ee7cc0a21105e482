"""V04 Negative: a directional channel counts upwards only."""

from __future__ import annotations

from decimal import Decimal

from meters.validation._base import (
    OWN_UNIT,
    BaseRule,
    Stage,
    ValidationContext,
    instant,
    rules,
    runs,
)
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.series import Series


@rules.register("negative@1")
class Negative(BaseRule):
    """No value of a directional channel is below zero; only a NET channel may be."""

    code = "V04"
    title = "Negative on a directional channel"
    measures = "Lowest reading"
    measured_in = OWN_UNIT
    stage = Stage.STRUCTURE
    Parameters = NoParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (ESTIMATE) per run of negative intervals."""
        if context.direction == "NET":
            return []
        found = []
        for a, b in runs((series.values < 0) & ~series.missing):
            worst = from_micro(int(series.values[a:b].min()))
            found.append(
                Finding(
                    "V04",
                    f"{worst:,f} {series.unit} on a channel that counts one direction.",
                    Severity.ESTIMATE,
                    metric=worst,
                    threshold=Decimal(0),
                    start_utc=instant(series.grid, a),
                    end_utc=instant(series.grid, b),
                    fix="Check sign and direction of the channel.",
                )
            )
        return found
