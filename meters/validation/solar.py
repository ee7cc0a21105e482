"""V24 Solar plants: dark at night, within the panels' power, awake on a sunny day (vee.md 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Relation
from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, instant, rules
from meters.validation._compare import (
    cleared,
    interval_micro,
    number,
    plain,
    trusted,
    usable,
)
from meters.validation._days import local_days
from meters.validation._plant import (
    below,
    first,
    makes_power,
    over,
    run_findings,
    technology,
    wanting,
)
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

PLANT = "the output of a solar plant"
ELEVATION = "the elevation of the sun (the place of the campus)"


def _is_solar(series: Series, context: ValidationContext) -> bool:
    return makes_power(series, context) and technology(context) == "SOLAR"


@dataclass(frozen=True)
class SolarNightParameters:
    """When it is night, and what may still be metered then."""

    elevation_deg: Decimal = param(
        default=Decimal("-3"),
        unit="deg",
        minimum=-18,
        maximum=10,
        help="Below this elevation of the sun it is night.",
    )
    night_ratio: Decimal = param(
        default=Decimal("0.0005"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Share of the capacity that may be metered at night.",
    )


@rules.register("solar_night@1")
class SolarNight(BaseRule):
    """At night a solar plant delivers at most 0.05 % of its capacity.

    Night is where the sun stands below -3 deg in the middle of the interval. A reading equal to the
    limit passes.
    """

    code = "V24A"
    title = "Solar energy at night"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = SolarNightParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of plant, capacity and sun."""
        if not _is_solar(series, context):
            return PLANT
        sun = first(series, context, Relation.SUN_ELEVATION)
        return wanting((context.capacity_kw, "the capacity of the plant"), (sun, ELEVATION))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals with energy at night."""
        capacity = context.capacity_kw
        if capacity is None or not _is_solar(series, context):
            return []
        beside = first(series, context, Relation.SUN_ELEVATION)
        if beside is None:
            return []
        parameters, sun = context.parameters or SolarNightParameters(), beside.series
        limit = interval_micro(series, capacity) * Fraction(parameters.night_ratio)
        known = ~sun.missing & usable(series, context)
        night = below(sun.values, Fraction(parameters.elevation_deg) * MICRO, known)
        bad = over(series.values, limit, night)
        return run_findings(
            "V24A",
            series,
            bad,
            lambda most, a, b: (
                f"{most:,f} {series.unit} with the sun at "
                f"{number(int(sun.values[a:b].max())):.1f} deg or lower; at night up to "
                f"{number(limit):,f} {series.unit} pass."
            ),
            limit,
            Severity.HOLD,
            "Check clock and time zone of the meter, and what else feeds through it.",
        )


@dataclass(frozen=True)
class SolarLimitParameters:
    """How far above the panels' power a reading may lie."""

    factor: Decimal = param(
        default=Decimal("1.05"), unit="ratio", minimum=0, help="Times the DC capacity."
    )


@rules.register("solar_limit@1")
class SolarLimit(BaseRule):
    """No interval exceeds what the panels can give: DC capacity x 1.05.

    A reading equal to the limit passes.
    """

    code = "V24B"
    title = "Solar energy above the panels' power"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = SolarLimitParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of plant and DC capacity."""
        if not _is_solar(series, context):
            return PLANT
        return wanting(
            (context.circumstances.plant.dc_capacity_kw, "the DC capacity of the panels")
        )

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals above the limit."""
        if SolarLimit.lacks(series, context):
            return []
        capacity = context.circumstances.plant.dc_capacity_kw or Decimal(0)
        parameters = context.parameters or SolarLimitParameters()
        limit = interval_micro(series, capacity) * Fraction(parameters.factor)
        bad = over(series.values, limit, usable(series, context))
        return run_findings(
            "V24B",
            series,
            bad,
            lambda most, a, b: (
                f"{most:,f} {series.unit} is above {number(limit):,f} {series.unit}, which panels "
                f"of {plain(capacity):,f} kW DC can give."
            ),
            limit,
            Severity.HOLD,
            "Check multiplier and DC capacity.",
        )


@dataclass(frozen=True)
class SolarIdleDayParameters:
    """How sunny a day is on which a plant must deliver."""

    sunny_kwh_per_m2: Decimal = param(
        default=Decimal("2"),
        unit="kWh/m2",
        minimum=0,
        help="Above this irradiation of a local day the plant must deliver something.",
    )


@rules.register("solar_idle_day@1")
class SolarIdleDay(BaseRule):
    """On a local day with more than 2 kWh/m2 of sun, a solar plant delivers something.

    Judged are whole days of readings; missing irradiance counts as darkness.
    """

    code = "V24C"
    title = "Sunny day without solar energy"
    measures = "Sun of the day"
    measured_in = "kWh/m2"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = SolarIdleDayParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of plant and irradiance."""
        if not _is_solar(series, context):
            return PLANT
        return wanting((first(series, context, Relation.IRRADIANCE), "the irradiance at the plant"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per sunny day that shows nothing."""
        if not _is_solar(series, context):
            return []
        light = first(series, context, Relation.IRRADIANCE)
        if light is None:
            return []
        parameters = context.parameters or SolarIdleDayParameters()
        days = local_days(series.grid, context.zone)
        present = usable(series, context)
        silent = days.sums(present & (series.values == 0)) == days.counts
        if not silent.any():
            return []
        watts = days.sums(cleared(light.series.values, trusted(light.series)))
        found = []
        for day in np.flatnonzero(silent):
            sun = Fraction(int(watts[day]) * series.grid.minutes, MICRO * 60 * 1000)
            if sun <= Fraction(parameters.sunny_kwh_per_m2):
                continue
            a, b = days.bounds(int(day))
            found.append(
                Finding(
                    "V24C",
                    f"No energy on {days.date(int(day)).isoformat()}, although the sun gave "
                    f"{plain(sun):,f} kWh/m2 (above {parameters.sunny_kwh_per_m2:,f} kWh/m2 the "
                    "plant must deliver).",
                    Severity.HOLD,
                    metric=plain(sun),
                    threshold=parameters.sunny_kwh_per_m2,
                    start_utc=instant(series.grid, a),
                    end_utc=instant(series.grid, b),
                    fix="Check whether the plant was off or the meter stood still.",
                )
            )
        return found
