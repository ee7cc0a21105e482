"""E10 Gas and hydrogen: fuel energy over the heat rate at load, else the schedule of availability.

``kWh = MMBtu x 10^6 / heat rate (Btu/kWh)``, the heat rate read at the fuel rate (MMBtu/h) of the
interval: straight lines between its points, held flat outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from meters.calc.curve import held
from meters.calc.evidence import Fuel, Named
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    estimators,
    exact_at,
    fits,
    made,
    stamp,
    text_of,
    texts,
)
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

_BURNS = frozenset({"GAS_ENGINE", "GAS_TURBINE", "FUEL_CELL"})
BTU_PER_MMBTU = 10**6


@dataclass(frozen=True)
class GasParameters:
    """Nothing to set: heat rates come with the evidence."""


@estimators.register("gas@1")
class GasModel:
    """Fuel meter and heat rate, else the schedule; for engines, turbines and fuel cells."""

    title = "Fuel and heat rate"
    method = Method.PLANT_MODEL
    Parameters = GasParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None for other plants, or without fuel and schedule."""
        if context.facts.get("technology") not in _BURNS:
            return None
        fuel, schedule = context.evidence.fuel, context.evidence.schedule
        if fuel is not None and fits(series, fuel.energy.series, gap):
            return _from_fuel(series, gap, fuel)
        if schedule is not None and fits(series, schedule.series, gap):
            return _from_schedule(series, gap, schedule)
        return None


def _from_fuel(series: Series, gap: slice, fuel: Fuel) -> Estimate | None:
    burnt = [exact_at(fuel.energy.series, index) for index in range(gap.start, gap.stop)]
    rates = [held(fuel.heat_rates, each * 60 / series.grid.minutes) for each in burnt]
    if min(burnt) < 0 or min(rates) <= 0:
        return None
    numbers = [each * BTU_PER_MMBTU / rate for each, rate in zip(burnt, rates, strict=True)]
    steps = [
        {
            "start": stamp(series, gap.start + n),
            "fuel_mmbtu": text_of(burnt[n]),
            "heat_rate_btu_per_kwh": text_of(rates[n]),
        }
        for n in range(len(numbers))
    ]
    return _made(series, gap, "fuel (MMBtu) x 10^6 / heat rate", numbers, fuel.energy, steps=steps)


def _from_schedule(series: Series, gap: slice, schedule: Named) -> Estimate | None:
    numbers = [exact_at(schedule.series, index) for index in range(gap.start, gap.stop)]
    if min(numbers) < 0:
        return None
    planned = texts(schedule.series, gap)
    return _made(series, gap, "as scheduled", numbers, schedule, schedule=planned)


def _made(
    series: Series,
    gap: slice,
    formula: str,
    numbers: Sequence[Fraction],
    source: Named,
    **inputs: Any,
) -> Estimate:
    return made(
        series, gap, "gas@1", Method.PLANT_MODEL, formula, numbers,
        inputs={"source": source.name, **inputs}, used=(source.name,),
    )  # fmt: skip
