"""How a loss-compensated channel follows from the metered one: factor, transformer or line.

Each method is a set of parameters that computes. The direction of the channel decides: losses are
added to what is delivered and taken from what is received (`meters.calc.losses`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np

from meters.calc.losses import (
    PLACES,
    Side,
    Transformer,
    bear,
    by_factor,
    energy_kwh,
    line_kw,
    watts,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

METERED, OPPOSITE = "METERED", "OPPOSITE"


@dataclass(frozen=True)
class LossFactor:
    """Delivered energy times the factor, received energy over it."""

    loss_ratio: Decimal = param(
        label="Loss factor", help="1.0125 adds 1.25 % to delivered energy.", minimum=1, maximum=2
    )

    takes_opposite: ClassVar[bool] = False

    def sentence(self, side: Side) -> str:
        """Return the rule in words."""
        return f"METERED {'x' if side is Side.DELIVERED else '/'} {self.loss_ratio.normalize():f}"

    def apply(
        self, metered: Series, _opposite: Series | None, side: Side, in_meter: np.ndarray
    ) -> Series:
        """Return the energy at the point of delivery, 10^-6 half-even."""
        values = metered.values.copy()
        for index, energy in enumerate(metered.decimals()):
            if energy is not None and not in_meter[index]:
                exact = by_factor(energy, self.loss_ratio, side)
                values[index] = micro(to_places(exact, PLACES, Mode.HALF_EVEN))
        return Series(metered.grid, values, metered.status, metered.unit)


class _Flowing:
    """A method whose loss depends on how much flows."""

    takes_opposite: ClassVar[bool] = True

    def lost_kwh(self, energy: Fraction, minutes: int) -> Fraction:
        """Return the loss (kWh) of an interval through which so much energy (kWh) flowed."""
        raise NotImplementedError

    def apply(
        self, metered: Series, opposite: Series | None, side: Side, in_meter: np.ndarray
    ) -> Series:
        """Return the energy at the point of delivery."""
        minutes = metered.grid.minutes
        found = bear(
            metered,
            side,
            lambda energy: self.lost_kwh(energy, minutes),
            opposite=opposite,
            in_meter=in_meter,
        )
        return found.series


@dataclass(frozen=True)
class TransformerLosses(_Flowing):
    """Losses by the test sheet of a transformer, in percent of its rated power."""

    rated_kva: Decimal = param(unit="kVA", label="Rated power", minimum=Decimal("0.001"))
    iron_pct: Decimal = param(unit="%", label="No-load (iron) losses", minimum=0, maximum=100)
    copper_pct: Decimal = param(unit="%", label="Load (copper) losses", minimum=0, maximum=100)
    volt_ratio: Decimal = param(
        default=Decimal(1), label="Volts over those of calibration",
        minimum=Decimal("0.5"), maximum=2,
    )  # fmt: skip
    power_factor: Decimal = param(
        default=Decimal(1), label="Power factor", minimum=Decimal("0.01"), maximum=1
    )

    def sentence(self, side: Side) -> str:
        """Return the rule in words."""
        sign = "+" if side is Side.DELIVERED else "-"
        return (
            f"METERED {sign} losses of a transformer of {self.rated_kva.normalize():f} kVA with "
            f"{self.iron_pct.normalize():f} % iron and {self.copper_pct.normalize():f} % copper"
        )

    def lost_kwh(self, energy: Fraction, minutes: int) -> Fraction:
        """Return V^2 x iron + I^2 x copper over the interval, with I = kW / (kVA x pf x V)."""
        sheet = Transformer(self.rated_kva * 1000, self.iron_pct, self.copper_pct)
        kw = energy * 60 / minutes
        rated = Fraction(self.rated_kva) * Fraction(self.power_factor) * Fraction(self.volt_ratio)
        fixed = watts(sheet, self.volt_ratio, Decimal(0)).total
        full = watts(sheet, Decimal(0), Decimal(1)).total
        return energy_kwh(fixed + full * (kw / rated) ** 2, minutes)


@dataclass(frozen=True)
class LineLosses(_Flowing):
    """Losses of a three-phase line: 3 x I^2 x R."""

    kilovolts: Decimal = param(unit="kV", label="Between phases", minimum=Decimal("0.001"))
    ohms: Decimal = param(unit="ohm", label="Resistance of one phase", minimum=0)
    power_factor: Decimal = param(
        default=Decimal(1), label="Power factor", minimum=Decimal("0.01"), maximum=1
    )

    def sentence(self, side: Side) -> str:
        """Return the rule in words."""
        sign = "+" if side is Side.DELIVERED else "-"
        return (
            f"METERED {sign} losses of a line of {self.ohms.normalize():f} ohm at "
            f"{self.kilovolts.normalize():f} kV"
        )

    def lost_kwh(self, energy: Fraction, minutes: int) -> Fraction:
        """Return 3 x I^2 x R over the interval, with I = kW / (sqrt(3) x kV x pf)."""
        one_kw = line_kw(Decimal(1), self.kilovolts, self.power_factor, self.ohms)
        kw = energy * 60 / minutes
        return one_kw * kw**2 * minutes / 60


Compensation = LossFactor | TransformerLosses | LineLosses

METHODS: Mapping[str, type[Compensation]] = {
    "LOSS_FACTOR": LossFactor,
    "TRANSFORMER": TransformerLosses,
    "LINE": LineLosses,
}


def side_of(direction: str) -> Side:
    """Return the side of a channel's direction; Refused for NET, which has none."""
    if direction not in (Side.DELIVERED.value, Side.RECEIVED.value):
        raise Refused(
            "losses.direction",
            "Losses are added to delivered and taken from received energy: a compensated channel "
            "has one of these directions, not net.",
        )
    return Side(direction)
