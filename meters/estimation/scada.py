"""E04 SCADA: mean power of the samples of an interval, as energy, set to the meter by its ratio.

``kWh = mean(samples) x kW per unit x hours x k``: 1000 kW per MW, energy over the hours of its
sample; k is the ratio of meter to SCADA over the 168 hours before the gap, 1 when there is no such
history. AEMO substitution type 13; Western Australia Metering Code 2012 App. 3 method 13 (SCADA may
need adjustment in magnitude).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    Ratio,
    allowed,
    estimators,
    made,
    near_one,
    text_of,
    usable,
)
from poweroptix.kernel.fixed import MICRO, MISSING, from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ScadaParameters:
    """How good the samples must be, and how far SCADA may be off the meter."""

    good_pct: Decimal = param(
        default=Decimal(80),
        unit="%",
        minimum=1,
        maximum=100,
        help="Good samples an interval needs.",
    )
    window_hours: int = param(
        default=168, unit="hours", minimum=1, maximum=8784, help="How far back the ratio looks."
    )
    min_intervals: int = param(
        default=96, unit="count", minimum=1, help="Intervals good on both; with fewer k is 1."
    )
    warn_pct: Decimal = param(
        default=Decimal(5), unit="%", minimum=0, help="Beyond this k is used with a warning."
    )
    limit_pct: Decimal = param(
        default=Decimal(25), unit="%", minimum=0, help="How far k may be off one, inclusive."
    )


#: Power of a sample of one unit; of energy it depends on the length of the sample.
_KW_PER_UNIT = {"kW": 1, "MW": 1000, "kWh": 1}


@estimators.register("scada@1")
class Scada:
    """Energy from the power that control systems recorded."""

    title = "SCADA"
    method = Method.SCADA
    Parameters = ScadaParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when samples are too few or far off the meter."""
        scada = context.evidence.scada
        parameters: ScadaParameters = context.parameters or ScadaParameters()
        samples = None if scada is None else _Samples.of(series, scada.series, parameters.good_pct)
        if scada is None or samples is None:
            return None
        indices = range(gap.start, gap.stop)
        if not all(samples.good[i] for i in indices):
            return None
        ratio = samples.ratio(series, gap, context, parameters.window_hours)
        warnings: tuple[str, ...] = ()
        if ratio is None or ratio.intervals < parameters.min_intervals:
            ratio, warnings = None, ("no history to compare with the meter: k is 1",)
        elif not near_one(ratio, parameters.limit_pct):
            return None
        elif not near_one(ratio, parameters.warn_pct):
            off = f"more than {text_of(parameters.warn_pct)} % off the meter"
            warnings = (f"{scada.name} is {off}: have it calibrated",)
        k = Fraction(1) if ratio is None else ratio.value
        numbers = [samples.energy(i) * k for i in indices]
        if not allowed(numbers, context):
            return None
        inputs: dict[str, Any] = {
            "scada": scada.name,
            "sample_minutes": scada.series.grid.minutes,
            "sample_unit": scada.series.unit,
            "samples": [samples.texts(i) for i in indices],
            "kw_per_unit": text_of(samples.factor),
            "ratio": {"k": "1"} if ratio is None else ratio.to_json(),
            "hours": text_of(samples.hours),
        }
        return made(
            series, gap, "scada@1", Method.SCADA,
            "mean(samples) x kW per unit x hours x k", numbers,
            inputs=inputs, used=(scada.name,), warnings=warnings,
        )  # fmt: skip


@dataclass(frozen=True)
class _Samples:
    """Samples by interval: values (10^-6), which are good, and which intervals have enough.

    `factor`: kW that one unit of a sample stands for.
    """

    values: np.ndarray
    sound: np.ndarray
    good: np.ndarray
    hours: Fraction
    factor: Fraction

    @classmethod
    def of(cls, series: Series, samples: Series, good_pct: Decimal) -> _Samples | None:
        """Lay samples under the intervals; None when they do not fit."""
        parts, rest = divmod(series.grid.minutes, samples.grid.minutes)
        if rest or not parts or samples.grid.start_utc != series.grid.start_utc:
            return None
        if samples.unit not in _KW_PER_UNIT or series.unit != "kWh":
            return None
        if samples.grid.count != series.grid.count * parts:
            return None
        sound = usable(samples).reshape(series.grid.count, parts)
        values = np.where(samples.values == MISSING, 0, samples.values).reshape(sound.shape)
        enough = np.array([Fraction(int(n), parts) * 100 >= good_pct for n in sound.sum(axis=1)])
        factor = Fraction(_KW_PER_UNIT[samples.unit])
        if samples.unit == "kWh":
            factor = Fraction(60, samples.grid.minutes)
        return cls(values, sound, enough, Fraction(series.grid.minutes, 60), factor)

    def energy(self, index: int) -> Fraction:
        """Return the energy (kWh) of an interval from its good samples."""
        held = self.values[index][self.sound[index]]
        return Fraction(int(held.sum()), len(held) * MICRO) * self.factor * self.hours

    def texts(self, index: int) -> list[str]:
        """Return the good samples of an interval as text."""
        return [f"{from_micro(v):f}" for v in self.values[index][self.sound[index]].tolist()]

    def ratio(
        self, series: Series, gap: slice, context: EstimationContext, hours: int
    ) -> Ratio | None:
        """Return meter over SCADA before the gap."""
        reach = hours * 60 // series.grid.minutes
        start = max([0, gap.start - reach, *(b for b in context.barriers if b <= gap.start)])
        sound = usable(series) & self.good
        both = [i for i in range(start, gap.start) if sound[i]]
        main = Fraction(sum(int(series.values[i]) for i in both), MICRO)
        other = sum((self.energy(i) for i in both), Fraction(0))
        return Ratio(main / other, len(both), main, other) if other else None
