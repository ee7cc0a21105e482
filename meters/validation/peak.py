"""V18 Peak: the highest interval of a period beside that of the period before."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._compare import number, quotient
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class PeakParameters:
    """How far a peak may grow."""

    growth_pct: Decimal = param(
        default=Decimal(100),
        unit="%",
        minimum=0,
        help="Largest growth over the peak of the period before that passes; 100 is twice.",
    )
    min_valid_ratio: Decimal = param(
        default=Decimal("0.8"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="The period before counts only when at least this share of it was measured.",
    )


@rules.register("peak@1")
class Peak(BaseRule):
    """The highest interval is at most twice (default) that of the period before.

    The period before has the same length and ends where this one begins. Judges when a period is
    about to close; without an earlier peak above zero there is nothing to compare with.
    """

    code = "V18"
    title = "Peak vs previous period"
    measures = "Growth of the peak"
    measured_in = "%"
    stage = Stage.PERIOD
    Parameters = PeakParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of the period before."""
        parameters = context.parameters or PeakParameters()
        before = context.circumstances.previous
        if before is None or before.peak <= 0:
            return "a peak of the period before"
        if before.valid_ratio < parameters.min_valid_ratio:
            return f"enough measured readings of {before.name}"
        return ""

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) on the highest interval, or none."""
        parameters = context.parameters or PeakParameters()
        before = context.circumstances.previous
        if before is None or Peak.lacks(series, context) or series.missing.all():
            return []
        at = int(np.argmax(series.values))  # missing lies below every value
        peak = Fraction(int(series.values[at]), MICRO)
        growth = (peak / Fraction(before.peak) - 1) * 100
        if growth <= Fraction(parameters.growth_pct):
            return []
        percent = quotient(growth)
        return [
            finding(
                "V18",
                Severity.WARN,
                series.grid,
                (at, at + 1),
                f"The peak of {number(int(series.values[at])):,f} {series.unit} is "
                f"{percent:.2f} % above the {before.peak:,f} {series.unit} of {before.name} "
                f"({parameters.growth_pct:,f} % pass).",
                "Ask whether the load grew; if not, check multiplier and transformer ratio.",
                percent,
                parameters.growth_pct,
            )
        ]
