"""E10 Solar: nothing at night; by day the inverters, else irradiance against a clear day.

Per interval, the first that is known: sun below -3 degrees: 0; ``sum of inverters x (1 - collection
loss)``; ``E_ref x GHI / GHI_ref`` with the same slot of the last clear day that was metered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from meters.calc.evidence import Named, Solar
from meters.calc.reference_days import History
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    device_sum,
    estimators,
    exact_at,
    fits,
    history_of,
    made,
    stamp,
    text_of,
)
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

Step = tuple[Fraction, dict[str, Any]]


@dataclass(frozen=True)
class SolarParameters:
    """When it is night, and how far back a clear day may lie."""

    night_deg: Decimal = param(
        default=Decimal(-3), unit="deg", minimum=-18, maximum=0,
        help="Elevation of the sun below which nothing is generated, exclusive.",
    )  # fmt: skip
    lookback_days: int = param(
        default=35, unit="days", minimum=1, maximum=400, help="How far back a clear day may lie."
    )


@estimators.register("solar@1")
class SolarModel:
    """Night, inverters, or irradiance; each interval of the gap must have one of them."""

    title = "Solar model"
    method = Method.PLANT_MODEL
    Parameters = SolarParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None for other plants, or when an interval has no basis."""
        if context.facts.get("technology") != "SOLAR":
            return None
        parameters: SolarParameters = context.parameters or SolarParameters()
        model = _Model(series, context, parameters, history_of(series, context))
        steps = []
        for index in range(gap.start, gap.stop):
            step = model.night(index) or model.inverters(index) or model.irradiance(index)
            if step is None:
                return None
            steps.append(step)
        return made(
            series, gap, "solar@1", Method.PLANT_MODEL,
            "0 at night; sum of inverters x (1 - loss); E_ref x GHI / GHI_ref",
            [number for number, _ in steps],
            inputs={"steps": [{"start": stamp(series, gap.start + n)} | sheet
                              for n, (_, sheet) in enumerate(steps)]},
            used=tuple(dict.fromkeys(sheet["basis"] for _, sheet in steps)),
        )  # fmt: skip


@dataclass(frozen=True)
class _Model:
    """The ways to know an interval, each with its worksheet; None when it cannot."""

    series: Series
    context: EstimationContext
    parameters: SolarParameters
    history: History

    @property
    def sun(self) -> Solar:
        return self.context.evidence.solar or Solar()

    def night(self, index: int) -> Step | None:
        """Return zero when the sun is below the horizon."""
        elevation = self.sun.elevation
        if elevation is None or elevation.grid != self.series.grid or elevation.missing[index]:
            return None
        degrees = exact_at(elevation, index)
        if degrees >= Fraction(self.parameters.night_deg):
            return None
        return Fraction(0), {"basis": "night", "elevation_deg": text_of(degrees)}

    def inverters(self, index: int) -> Step | None:
        """Return the inverters less the loss between them and the meter."""
        loss = Fraction(self.context.evidence.device_loss_pct) / 100
        summed = device_sum(self.series, index, self.context)
        if summed is None or summed < 0:
            return None
        sheet = {"basis": "inverters", "sum": text_of(summed), "loss_pct": text_of(loss * 100)}
        return summed * (1 - loss), sheet

    def irradiance(self, index: int) -> Step | None:
        """Return the reading of the last clear day, times irradiance over its irradiance."""
        measured = self.sun.irradiance
        here = slice(index, index + 1)
        if measured is None or not fits(self.series, measured.series, here):
            return None
        today = int(self.history.clock.date_ordinal[index])
        for day in range(today - 1, today - 1 - self.parameters.lookback_days, -1):
            if date.fromordinal(day) in self.sun.clear_days and day not in self.history.outages:
                step = self._against(measured, index, day)
                if step is not None:
                    return step
        return None

    def _against(self, measured: Named, index: int, day: int) -> Step | None:
        slots = self.history.clock.minute_of_day[index : index + 1]
        places = self.history.places(day, slots)
        if places is None or not fits(
            self.series, measured.series, slice(places[0], places[0] + 1)
        ):
            return None
        now = exact_at(measured.series, index)
        then = exact_at(measured.series, int(places[0]))
        energy = exact_at(self.series, int(places[0]))
        sheet = {
            "basis": measured.name,
            "clear_day": date.fromordinal(day).isoformat(),
            "E_ref": text_of(energy),
            "GHI": text_of(now),
            "GHI_ref": text_of(then),
        }
        if now <= 0:
            return Fraction(0), sheet
        return (energy * now / then, sheet) if then > 0 else None
