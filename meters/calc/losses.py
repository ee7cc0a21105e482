"""Losses between a meter and the point where energy is delivered; exact until the last step.

Transformer by its test sheet (percent constants, Electro Industries Nexus 1250 manual ch. 7 after
the EEI handbook), line by its resistance, or one loss factor. Losses are added to delivered energy
and taken from received energy. A meter that compensates itself is never compensated again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, micro
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

PLACES = 6


class Side(StrEnum):
    """Which way the compensated energy flows."""

    DELIVERED = "DELIVERED"
    RECEIVED = "RECEIVED"


@dataclass(frozen=True)
class Transformer:
    """Losses of a transformer in percent of its rated power (VA) at calibration volts and amperes.

    `iron`: no-load losses, `copper`: load losses; `w` active (watt), `var` reactive.
    """

    rated_va: Decimal
    iron_w_pct: Decimal = Decimal(0)
    copper_w_pct: Decimal = Decimal(0)
    iron_var_pct: Decimal = Decimal(0)
    copper_var_pct: Decimal = Decimal(0)


@dataclass(frozen=True)
class Loss:
    """Iron and copper losses, in W or var."""

    iron: Fraction
    copper: Fraction

    @property
    def total(self) -> Fraction:
        """Return both."""
        return self.iron + self.copper


@dataclass(frozen=True)
class Compensated:
    """Energy at the point of delivery, the loss of each interval (10^-6 kWh), and what was not met.

    `unmet`: loss that received energy was too small to bear; it belongs to delivered energy.
    """

    series: Series
    loss: np.ndarray
    unmet: np.ndarray


def watts(transformer: Transformer, v_ratio: Decimal, i_ratio: Decimal) -> Loss:
    """Return active losses (W): iron by the square of volts, copper by the square of amperes.

    `v_ratio`, `i_ratio`: volts and amperes over those of calibration.

    >>> sheet = Transformer(Decimal(10000000), Decimal("0.12"), Decimal("0.45"))
    >>> watts(sheet, Decimal("0.98"), Decimal("0.6")).total == Decimal("27724.8")
    True
    """
    return _loss(transformer.rated_va, transformer.iron_w_pct, transformer.copper_w_pct,
                 _ratio(v_ratio, "voltage") ** 2, _ratio(i_ratio, "current") ** 2)  # fmt: skip


def vars_(transformer: Transformer, v_ratio: Decimal, i_ratio: Decimal) -> Loss:
    """Return reactive losses (var): iron by the fourth power of volts, copper as `watts`."""
    return _loss(transformer.rated_va, transformer.iron_var_pct, transformer.copper_var_pct,
                 _ratio(v_ratio, "voltage") ** 4, _ratio(i_ratio, "current") ** 2)  # fmt: skip


def energy_kwh(power_w: Fraction, minutes: int) -> Fraction:
    """Return the energy (kWh, or kvarh) of a loss (W, or var) over an interval.

    >>> energy_kwh(Fraction(27724800, 1000), 15) == Fraction("6.9312")
    True
    """
    return power_w * minutes / 60_000


def line_kw(load_kw: Decimal, kilovolts: Decimal, power_factor: Decimal, ohms: Decimal) -> Fraction:
    """Return the loss (kW) of a three-phase line: 3 I^2 R with I = kW / (sqrt(3) kV pf).

    `kilovolts`: between phases. `ohms`: per phase. Without the root, for the square removes it.

    >>> line_kw(Decimal(1000), Decimal(10), Decimal(1), Decimal(2))
    Fraction(20, 1)
    """
    factor = _power_factor(power_factor)
    if kilovolts <= 0 or ohms < 0:
        text = f"A line of {kilovolts} kV and {ohms} ohm has no loss that can be computed."
        raise Refused("losses.line", text)
    current_squared_3 = (Fraction(load_kw) / (Fraction(kilovolts) * factor)) ** 2
    return current_squared_3 * Fraction(ohms) / 1000


def by_factor(measured: Decimal, factor: Decimal, side: Side) -> Fraction:
    """Return energy at the point of delivery: delivered x factor, received / factor.

    The meter lies downstream of the point of delivery, so the factor is at least one. Raises
    Refused `losses.factor` for a smaller one.

    >>> by_factor(Decimal(10000), Decimal("1.0125"), Side.DELIVERED)
    Fraction(10125, 1)
    """
    if factor < 1:
        text = f"A loss factor of {factor} would create energy; give one of at least 1."
        raise Refused("losses.factor", text)
    exact = Fraction(measured)
    return exact * Fraction(factor) if side is Side.DELIVERED else exact / Fraction(factor)


def apply_factor(series: Series, factor: Decimal, side: Side, *, in_meter: bool = False) -> Series:
    """Return a series at the point of delivery, 10^-6 half-even; missing stays missing.

    `in_meter`: the meter compensates itself; the series is returned as it is.
    """
    if in_meter:
        return series
    values = [
        MISSING if value is None else micro(_rounded(by_factor(value, factor, side)))
        for value in series.decimals()
    ]
    return Series(series.grid, np.array(values, dtype=np.int64), series.status, series.unit)


def compensate(
    series: Series,
    transformer: Transformer,
    side: Side,
    *,
    v_ratio: Decimal = Decimal(1),
    power_factor: Decimal = Decimal(1),
    in_meter: bool = False,
) -> Compensated:
    """Return active energy (kWh) with the transformer's losses added or taken off.

    The current of an interval follows from its mean power: ``I/I_cal = kW / (kVA pf V/V_cal)``.
    Received energy bears no more than it has; what is left is `unmet`. `in_meter`: as it is.
    """
    nothing = np.zeros(series.grid.count, dtype=np.int64)
    if in_meter:
        return Compensated(series, nothing, nothing.copy())
    iron_at = _ratio(v_ratio, "voltage") ** 2

    def lost_kwh(energy: Fraction) -> Fraction:
        kw = energy * 60 / series.grid.minutes
        amperes = _current(transformer, kw, v_ratio, power_factor)
        lost = _loss(transformer.rated_va, transformer.iron_w_pct, transformer.copper_w_pct,
                     iron_at, amperes**2)  # fmt: skip
        return energy_kwh(lost.total, series.grid.minutes)

    return bear(series, side, lost_kwh)


def bear(
    series: Series,
    side: Side,
    lost_kwh: Callable[[Fraction], Fraction],
    *,
    opposite: Series | None = None,
    in_meter: np.ndarray | None = None,
) -> Compensated:
    """Return energy (kWh) with the losses that flow with it added or taken off.

    `lost_kwh`: the loss in an interval of so much energy. `opposite`: the other direction of the
    same place, on the same grid. Then the direction that flowed more bears the loss of an interval
    once (delivered, when both flowed alike), and delivered energy takes over what received energy
    is too small to bear. An interval in which either is missing is missing. `in_meter`: where the
    meter compensates itself; those intervals stay as they are.
    """
    for one in (series, opposite or series):
        if one.unit != "kWh":
            raise Refused("losses.unit", f"Losses are taken on kWh, not on {one.unit}.")
    loss = np.zeros(series.grid.count, dtype=np.int64)
    unmet, values, status = loss.copy(), series.values.copy(), series.status.copy()
    others = opposite.decimals() if opposite else [Decimal(0)] * series.grid.count
    for index, (energy, other) in enumerate(zip(series.decimals(), others, strict=True)):
        if energy is None or other is None:
            values[index], status[index] = MISSING, Status.MISSING
        elif in_meter is None or not in_meter[index]:
            change = _borne(energy, other, side, lost_kwh, opposite is not None)
            values[index] += change.added
            loss[index], unmet[index] = change.loss, change.unmet
    if opposite:
        status = np.maximum(status, opposite.status)
    return Compensated(Series(series.grid, values, status, series.unit), loss, unmet)


@dataclass(frozen=True)
class _Change:
    """What an interval gains (10^-6 kWh), its loss, and what of it was not met."""

    added: int
    loss: int
    unmet: int


def _borne(
    energy: Decimal,
    other: Decimal,
    side: Side,
    lost_kwh: Callable[[Fraction], Fraction],
    has_opposite: bool,
) -> _Change:
    """Return what one direction bears of the loss of an interval."""
    delivered, received = (energy, other) if side is Side.DELIVERED else (other, energy)
    delivers = delivered >= received if has_opposite else side is Side.DELIVERED
    loss = micro(_rounded(lost_kwh(Fraction(delivered if delivers else received))))
    if delivers:
        return _Change(loss, loss, 0) if side is Side.DELIVERED else _Change(0, 0, 0)
    borne = min(loss, max(micro(received), 0))
    if side is Side.RECEIVED:
        return _Change(-borne, loss, loss - borne)
    return _Change(loss - borne, loss - borne, 0)


def _loss(
    rated_va: Decimal,
    iron_pct: Decimal,
    copper_pct: Decimal,
    iron_at: Fraction,
    copper_at: Fraction,
) -> Loss:
    if rated_va <= 0 or iron_pct < 0 or copper_pct < 0:
        text = (
            f"A transformer of {rated_va} VA with losses of {iron_pct} % and {copper_pct} %: give "
            "a rating above 0 and losses of at least 0."
        )
        raise Refused("losses.transformer", text)
    base = Fraction(rated_va) / 100
    return Loss(base * Fraction(iron_pct) * iron_at, base * Fraction(copper_pct) * copper_at)


def _current(
    transformer: Transformer, kw: Fraction, v_ratio: Decimal, power_factor: Decimal
) -> Fraction:
    """Return amperes over those of calibration."""
    volts = _ratio(v_ratio, "voltage")
    if not volts or transformer.rated_va <= 0:
        raise Refused("losses.ratio", "Without voltage or rating there is no current.")
    return kw * 1000 / (Fraction(transformer.rated_va) * _power_factor(power_factor) * volts)


def _ratio(number: Decimal, what: str) -> Fraction:
    if number < 0:
        raise Refused("losses.ratio", f"A {what} ratio of {number} is below zero.")
    return Fraction(number)


def _power_factor(number: Decimal) -> Fraction:
    if not 0 < number <= 1:
        text = f"A power factor of {number}: give one above 0, at most 1."
        raise Refused("losses.power_factor", text)
    return Fraction(number)


def _rounded(number: Fraction) -> Decimal:
    return to_places(number, PLACES, Mode.HALF_EVEN)
