"""V24 Wind plants: still while the turbines stand, and never at full power without wind."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.calc.circumstances import Relation
from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules
from meters.validation._compare import interval_micro, number, trusted, usable
from meters.validation._plant import (
    below,
    first,
    makes_power,
    over,
    run_findings,
    stands_still,
    technology,
    wanting,
)
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

PLANT = "the output of a wind plant"


def _is_wind(series: Series, context: ValidationContext) -> bool:
    return makes_power(series, context) and technology(context) == "WIND"


@rules.register("wind_stopped@1")
class WindStopped(BaseRule):
    """While the control system shows all turbines stopped, a wind plant delivers nothing."""

    code = "V24D"
    title = "Wind energy while the turbines stand"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of plant and turbine states."""
        if not _is_wind(series, context):
            return PLANT
        return wanting((first(series, context, Relation.RUNNING), "the state of the turbines"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals with energy from standing turbines."""
        if not _is_wind(series, context):
            return []
        running = first(series, context, Relation.RUNNING)
        if running is None:
            return []
        bad = (series.values > 0) & stands_still(series, context, running)
        return run_findings(
            "V24D",
            series,
            bad,
            lambda most, a, b: (
                f"{most:,f} {series.unit} while {running.code} shows all turbines stopped."
            ),
            Fraction(0),
            Severity.HOLD,
            "Check the turbine states and whether the meter belongs to this plant.",
        )


@dataclass(frozen=True)
class WindBelowCutInParameters:
    """What counts as full power."""

    rated_ratio: Decimal = param(
        default=Decimal("0.95"),
        unit="ratio",
        minimum=0,
        help="Above this share of the capacity the plant runs at full power.",
    )


@rules.register("wind_below_cut_in@1")
class WindBelowCutIn(BaseRule):
    """Below the cut-in wind speed a wind plant does not run at full power."""

    code = "V24E"
    title = "Full wind power below cut-in"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = WindBelowCutInParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of plant, capacity, cut-in speed and wind."""
        if not _is_wind(series, context):
            return PLANT
        return wanting(
            (context.capacity_kw, "the capacity of the plant"),
            (context.circumstances.plant.cut_in_m_per_s, "its cut-in wind speed"),
            (first(series, context, Relation.WIND_SPEED), "the wind at the nacelles"),
        )

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals at full power without wind."""
        if context.capacity_kw is None or not _is_wind(series, context):
            return []
        cut_in = context.circumstances.plant.cut_in_m_per_s
        wind = first(series, context, Relation.WIND_SPEED)
        if wind is None or cut_in is None:
            return []
        parameters, speed = context.parameters or WindBelowCutInParameters(), wind.series
        rated = interval_micro(series, context.capacity_kw) * Fraction(parameters.rated_ratio)
        known = trusted(speed) & usable(series, context)
        calm = below(speed.values, Fraction(cut_in) * MICRO, known)
        bad = over(series.values, rated, calm)
        return run_findings(
            "V24E",
            series,
            bad,
            lambda most, a, b: (
                f"{most:,f} {series.unit}, nearly full power, at up to "
                f"{number(int(speed.values[a:b].max())):,f} m/s of wind; the plant cuts in at "
                f"{cut_in:,f} m/s."
            ),
            rated,
            Severity.WARN,
            "Check the anemometers, and multiplier and capacity.",
        )
