"""V24 Gas engines and turbines: fuel and energy give a believable heat rate (vee.md 3.6).

``heat rate = fuel MMBtu x 10^6 / kWh`` (higher heating value), judged above 30 % load.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Companion, Plant, Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, instant, rules, runs
from meters.validation._compare import above, cleared, interval_micro, plain, quotient, trusted
from meters.validation._compare import usable as usable_in
from meters.validation._plant import makes_power, over, technology, wanting
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

GAS = frozenset({"GAS_ENGINE", "GAS_TURBINE"})
_BTU = 10**6  # in one MMBtu


@dataclass(frozen=True)
class HeatRateParameters:
    """Which heat rates are believable, where the plant does not say."""

    low_btu_per_kwh: Decimal = param(
        default=Decimal("6000"), unit="Btu/kWh", minimum=0, help="Lowest heat rate that passes."
    )
    high_btu_per_kwh: Decimal = param(
        default=Decimal("14000"), unit="Btu/kWh", minimum=0, help="Highest heat rate that passes."
    )
    min_load_ratio: Decimal = param(
        default=Decimal("0.3"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Up to this share of the capacity the heat rate is not judged.",
    )


@rules.register("heat_rate@1")
class HeatRate(BaseRule):
    """Above 30 % load a gas unit turns fuel into energy at 6,000 to 14,000 Btu/kWh.

    Limits of the unit itself go before the parameters. A heat rate equal to a limit passes. Where
    fuel is metered at longer intervals, energy is summed over them.
    """

    code = "V24F"
    title = "Heat rate"
    measures = "Heat rate"
    measured_in = "Btu/kWh"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = HeatRateParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of plant, capacity and fuel."""
        if not _is_gas(series, context):
            return "the output of a gas engine or turbine in kWh"
        return wanting(
            (context.capacity_kw, "the capacity of the unit"),
            (_fuel(series, context), "its fuel in MMBtu"),
        )

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals whose heat rate is not believable."""
        if context.capacity_kw is None or not _is_gas(series, context):
            return []
        capacity, fuel = context.capacity_kw, _fuel(series, context)
        if fuel is None:
            return []
        parameters = context.parameters or HeatRateParameters()
        burnt, grid = fuel.series, fuel.series.grid
        parts = grid.minutes // series.grid.minutes
        usable = usable_in(series, context)
        made = cleared(series.values, usable).reshape(grid.count, parts).sum(axis=1)
        whole = usable.reshape(grid.count, parts).all(axis=1) & trusted(burnt)
        load = interval_micro(series, capacity) * parts * Fraction(parameters.min_load_ratio)
        at = np.flatnonzero(over(made, load, whole))
        low, high = _limits(context.circumstances.plant, parameters)
        energy, gas = made[at], burnt.values[at]
        found = []
        for limit, outside, worst in (
            (low, above(energy, Fraction(_BTU) / Fraction(low), gas) if low else None, np.argmin),
            (high, above(gas, Fraction(high) / _BTU, energy), np.argmax),
        ):
            if outside is None or not outside.any():
                continue
            bad = np.zeros(grid.count, dtype=bool)
            bad[at[outside]] = True
            for a, b in runs(bad):
                # Floats only look for the worst interval; what is told of it is exact.
                place = a + int(worst(burnt.values[a:b] / made[a:b]))
                rate = Fraction(int(burnt.values[place]) * _BTU, int(made[place]))
                found.append(_finding(grid, rate, limit, (low, high), (a, b)))
        return found


def _is_gas(series: Series, context: ValidationContext) -> bool:
    return series.unit == "kWh" and makes_power(series, context) and technology(context) in GAS


def _fuel(series: Series, context: ValidationContext) -> Companion | None:
    """Return the fuel on the grid of the series, or on longer intervals over the same range."""
    own = series.grid
    for each in context.circumstances.beside(Relation.FUEL):
        grid = each.series.grid
        same = (grid.start_utc, grid.end_utc) == (own.start_utc, own.end_utc)
        if each.series.unit == "MMBtu" and same and grid.minutes % own.minutes == 0:
            return each
    return None


def _limits(plant: Plant, parameters: HeatRateParameters) -> tuple[Decimal, Decimal]:
    low, high = plant.heat_rate_low_btu_per_kwh, plant.heat_rate_high_btu_per_kwh
    return (
        parameters.low_btu_per_kwh if low is None else low,
        parameters.high_btu_per_kwh if high is None else high,
    )


def _finding(
    grid: Grid,
    rate: Fraction,
    limit: Decimal,
    limits: tuple[Decimal, Decimal],
    span: tuple[int, int],
) -> Finding:
    low, high = limits
    return Finding(
        "V24F",
        f"The heat rate is {plain(rate):,f} Btu/kWh; believable are {low:,f} to {high:,f} Btu/kWh.",
        Severity.HOLD,
        metric=quotient(rate),
        threshold=limit,
        start_utc=instant(grid, span[0]),
        end_utc=instant(grid, span[1]),
        fix="Compare fuel meter and energy meter, and which units the fuel meter serves.",
    )
