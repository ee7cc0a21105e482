"""E10 Wind: the turbines, else the power curve at the wind the nacelles measured.

Per interval, the first that is known: ``sum of turbines x (1 - loss)``; ``kW(wind) x hours x (1 -
loss)``, straight lines between the points of the curve, nothing outside of it (cut-in, cut-out).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from meters.calc.curve import along
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    device_sum,
    estimators,
    exact_at,
    fits,
    made,
    stamp,
    text_of,
)
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class WindParameters:
    """Nothing to set: the curve comes with the evidence."""


@estimators.register("wind@1")
class WindModel:
    """Turbines or power curve; each interval of the gap must have one of them."""

    title = "Wind model"
    method = Method.PLANT_MODEL
    Parameters = WindParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None for other plants, or when an interval has no basis."""
        evidence = context.evidence
        if context.facts.get("technology") != "WIND" or not 0 <= evidence.device_loss_pct < 100:
            return None
        kept = 1 - Fraction(evidence.device_loss_pct) / 100
        numbers: list[Fraction] = []
        steps: list[dict[str, Any]] = []
        for index in range(gap.start, gap.stop):
            found = _turbines(series, index, context) or _curve(series, index, context)
            if found is None:
                return None
            numbers.append(max(found[0], Fraction(0)) * kept)
            steps.append({"start": stamp(series, index)} | found[1])
        return made(
            series, gap, "wind@1", Method.PLANT_MODEL,
            "(sum of turbines, else kW(wind) x hours) x (1 - loss)", numbers,
            inputs={
                "loss_pct": text_of(evidence.device_loss_pct),
                "steps": steps,
                "curve": [[text_of(x), text_of(y)] for x, y in evidence.wind.curve]
                if evidence.wind
                else [],
            },
            used=tuple(dict.fromkeys(step["basis"] for step in steps)),
        )  # fmt: skip


def _turbines(
    series: Series, index: int, context: EstimationContext
) -> tuple[Fraction, dict[str, Any]] | None:
    summed = device_sum(series, index, context)
    return None if summed is None else (summed, {"basis": "turbines", "sum": text_of(summed)})


def _curve(
    series: Series, index: int, context: EstimationContext
) -> tuple[Fraction, dict[str, Any]] | None:
    wind = context.evidence.wind
    if wind is None or not fits(series, wind.speed.series, slice(index, index + 1)):
        return None
    speed = exact_at(wind.speed.series, index)
    power = along(wind.curve, speed) or Fraction(0)
    sheet = {"basis": wind.speed.name, "wind_m_per_s": text_of(speed), "kw": text_of(power)}
    return power * series.grid.minutes / 60, sheet
