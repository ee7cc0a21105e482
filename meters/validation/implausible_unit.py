"""F10 Implausible unit: the whole range peaks far below what the point can carry.

A file in the wrong unit (Wh read as kWh, a wrong power of ten) gives valid numbers that are a
thousand times too small. Too large ones fail the high limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.validation._base import (
    OWN_UNIT,
    BaseRule,
    Stage,
    ValidationContext,
    instant,
    limit_micro,
    rules,
)
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ImplausibleUnitParameters:
    """How small a peak is suspicious."""

    min_ratio: Decimal = param(
        default=Decimal("0.001"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="A peak below this share of the capacity looks like a wrong unit.",
    )


@rules.register("implausible_unit@1")
class ImplausibleUnit(BaseRule):
    """The peak of the range is zero or at least 0.1 % of the capacity.

    A range of zeros is no finding (a plant may stand still); without a capacity, and for reactive
    energy, the rule does not apply.
    """

    code = "F10"
    title = "Implausible unit"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.VALUE
    Parameters = ImplausibleUnitParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that a limit is missing, where it is."""
        if limit_micro(series, context) is None:
            return "a capacity of the point or a high limit of the channel"
        return ""

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) over the range, or none."""
        parameters = context.parameters or ImplausibleUnitParameters()
        limit = limit_micro(series, context)
        present = series.values[~series.missing]
        if limit is None or not len(present) or series.unit not in ("kWh", "kW"):
            return []
        peak = int(abs(present).max())
        floor = limit * Fraction(parameters.min_ratio)
        if peak == 0 or peak >= floor:
            return []
        threshold = from_micro(int(floor // 1))
        return [
            Finding(
                "F10",
                f"The highest reading is {from_micro(peak):,f} {series.unit}, below "
                f"{threshold:,f} {series.unit}: the unit or scale of the source may be wrong.",
                Severity.HOLD,
                metric=from_micro(peak),
                threshold=threshold,
                start_utc=instant(series.grid, 0),
                end_utc=instant(series.grid, series.grid.count),
                fix="Compare with the meter's display; set unit or unit_factor in the profile.",
            )
        ]
