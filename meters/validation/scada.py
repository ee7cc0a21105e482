"""V22 Meter against SCADA: the control system's figure of a day agrees with the meter."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.calc.circumstances import Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._beside import apart_finding, beside, days_apart, small_micro
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

FIX = "Compare scaling and clock of the control system with the meter."


@dataclass(frozen=True)
class ScadaParameters:
    """How far the control system may lie from the meter."""

    tolerance_pct: Decimal = param(
        default=Decimal("2"),
        unit="%",
        minimum=0,
        help="Largest difference of a local day that passes, in percent of the meter.",
    )
    coverage_ratio: Decimal = param(
        default=Decimal("0.8"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="A day with fewer intervals of both than this share is not judged.",
    )
    min_load_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="A day up to this mean share of the limit is not judged; 0 without a limit.",
    )


@rules.register("scada_check@1")
class Scada(BaseRule):
    """Over every local day, the control system's figure lies within 2 % of the meter.

    Power (kW, mean of the interval) is turned into energy. A difference equal to the limit passes.
    """

    code = "V22"
    title = "Meter against control system"
    measures = "Apart from the control system"
    measured_in = "%"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = ScadaParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that a figure of the control system is missing, where it is."""
        found = beside(series, context, Relation.SCADA)
        return "" if found else "a figure of the control system on the same intervals"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per local day on which the two lie too far apart."""
        if not context.circumstances.companions:
            return []
        parameters = context.parameters or ScadaParameters()
        found = []
        for companion in beside(series, context, Relation.SCADA):
            days = days_apart(
                series,
                context,
                companion,
                tolerance=Fraction(parameters.tolerance_pct) / 100,
                coverage=Fraction(parameters.coverage_ratio),
                small=small_micro(series, context, parameters.min_load_ratio),
            )
            for day in days:
                limit, span = parameters.tolerance_pct, (day.first, day.end)
                found.append(
                    apart_finding("V22", Severity.WARN, series, companion[0], day, limit, span, FIX)
                )
        return found
