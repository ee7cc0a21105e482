"""Estimates set to a register: measured and estimated add up to what the register counted.

Only estimated intervals move, measured ones never: ``rest = register - sum of measured``; each
estimate times ``rest / sum of estimates``, or equal parts when they sum to nothing. The running sum
is rounded half-even, to 0.001 or to the decimals of the rest if it has more, so the parts add up to
the rest to the last digit. Vee.md 4.4; time-of-use registers each scale their own intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import EXACT, MICRO, from_micro, micro
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import cumulative
from poweroptix.kernel.series import Series

PLACES = 3
MOST_PLACES = 6


@dataclass(frozen=True)
class Scaled:
    """What was left for the estimates, by which factor they moved (None: equal parts), to what."""

    need: Decimal
    factor: Fraction | None
    values: tuple[Decimal, ...]
    worksheet: Mapping[str, Any]


def scale_to_register(
    register_kwh: Decimal,
    measured_kwh: Decimal,
    estimates: Sequence[Decimal],
    tolerance_kwh: Decimal = Decimal(0),
) -> Scaled:
    """Return the estimates so that they and the measured energy add up to the register's advance.

    `tolerance_kwh` is the sum check's allowance: a rest below zero by no more sets the estimates to
    zero, and without an estimate the sums may differ by no more. Otherwise raises Refused
    `scaling.sum_check` (the estimates stay as they are, the period is held), and
    `scaling.negative_estimate` for an estimate below zero.

    >>> one = Decimal(1)
    >>> [str(v) for v in scale_to_register(Decimal(10000), Decimal(9900), [one] * 3).values]
    ['33.333', '33.334', '33.333']
    """
    need = EXACT.subtract(register_kwh, measured_kwh)
    if any(value < 0 for value in estimates):
        text = "An estimate is below zero; a register of one direction cannot scale it."
        raise Refused("scaling.negative_estimate", text)
    off = abs(need) if need < 0 or not estimates else Decimal(0)
    if off > tolerance_kwh:
        raise _sum_check(register_kwh, measured_kwh, need, tolerance_kwh, bool(estimates))
    values, factor = _shares(max(need, Decimal(0)), [Fraction(value) for value in estimates])
    sheet = {
        "formula": "estimate x rest / sum of estimates" if factor is not None else "rest / count",
        "register": f"{register_kwh:f}",
        "measured": f"{measured_kwh:f}",
        "rest": f"{need:f}",
        "tolerance": f"{tolerance_kwh:f}",
        "estimates": [f"{value:f}" for value in estimates],
        "values": [f"{value:f}" for value in values],
    }
    return Scaled(need, factor, tuple(values), sheet)


def scale_all(values: Sequence[Decimal], target_kwh: Decimal) -> tuple[Decimal, ...]:
    """Return all values, measured ones too, so that they add up to a total; never the default.

    >>> [str(v) for v in scale_all([Decimal(100), Decimal(300), Decimal(600)], Decimal(990))]
    ['99.000', '297.000', '594.000']
    """
    if target_kwh < 0 or any(value < 0 for value in values):
        raise Refused("scaling.negative", "Only energies of one direction are scaled to a total.")
    if not values:
        raise Refused("scaling.nothing", "There is no interval to scale.")
    return tuple(_shares(target_kwh, [Fraction(value) for value in values])[0])


def scale_series(
    series: Series,
    estimated: np.ndarray,
    window: slice,
    register_kwh: Decimal,
    tolerance_kwh: Decimal = Decimal(0),
) -> tuple[Series, Scaled]:
    """Return the series with the estimated intervals of a window set to the register's advance.

    `window`: the intervals between two exact reads. Raises Refused as `scale_to_register`, and
    `scaling.missing` when an interval has neither reading nor estimate.
    """
    mask = np.zeros(series.grid.count, dtype=bool)
    mask[window] = True
    return _scale_where(series, estimated, mask, register_kwh, tolerance_kwh)


def scale_buckets(
    series: Series,
    estimated: np.ndarray,
    buckets: np.ndarray,
    registers_kwh: Mapping[int, Decimal],
    tolerance_kwh: Decimal = Decimal(0),
) -> tuple[Series, dict[int, Scaled]]:
    """Scale each time-of-use bucket to its own register.

    `buckets`: the number of the bucket for every interval. Raises Refused as `scale_series`.
    """
    scaled: dict[int, Scaled] = {}
    for number, register_kwh in registers_kwh.items():
        series, scaled[number] = _scale_where(
            series, estimated, buckets == number, register_kwh, tolerance_kwh
        )
    return series, scaled


def _scale_where(
    series: Series,
    estimated: np.ndarray,
    mask: np.ndarray,
    register_kwh: Decimal,
    tolerance_kwh: Decimal,
) -> tuple[Series, Scaled]:
    absent = series.missing & mask
    if absent.any():
        first = series.grid.start_of(int(absent.argmax()))
        text = (
            f"{int(absent.sum())} intervals have neither reading nor estimate, the first at "
            f"{first:%Y-%m-%dT%H:%MZ}; estimate them before scaling to the register."
        )
        raise Refused("scaling.missing", text, count=int(absent.sum()))
    places = np.flatnonzero(mask & estimated)
    measured = EXACT.divide(Decimal(total(series.values[mask & ~estimated])), Decimal(MICRO))
    estimates = [from_micro(value) for value in series.values[places].tolist()]
    scaled = scale_to_register(register_kwh, measured, estimates, tolerance_kwh)
    values, status = series.values.copy(), series.status.copy()
    values[places] = [micro(value) for value in scaled.values]
    status[places] = int(Status.ESTIMATED)
    return Series(series.grid, values, status, series.unit), scaled


def _shares(need: Decimal, parts: Sequence[Fraction]) -> tuple[list[Decimal], Fraction | None]:
    """Return the rest in shares of the parts, and the factor (None: equal parts)."""
    if not parts:
        return [], None
    whole = sum(parts, Fraction(0))
    factor = Fraction(need) / whole if whole else None
    exact = [part * factor if factor is not None else Fraction(need) / len(parts) for part in parts]
    return cumulative(exact, _places(need)), factor


def _places(need: Decimal) -> int:
    """Return how many decimals the shares need so that they add up to the last digit."""
    for places in range(PLACES, MOST_PLACES + 1):
        if Fraction(need) * 10**places == int(Fraction(need) * 10**places):
            return places
    text = f"{need} has more than {MOST_PLACES} decimals; give the register's advance with fewer."
    raise Refused("scaling.decimals", text)


def _sum_check(
    register: Decimal, measured: Decimal, need: Decimal, tolerance: Decimal, has_estimates: bool
) -> Refused:
    """Return the refusal: more was measured than the register counted, or nothing can move."""
    what = (
        "more was measured than the register counted"
        if need < 0
        else "nothing was estimated that could take up the rest"
    )
    keep = " The estimates stay as they are." if has_estimates else ""
    text = (
        f"The register counted {register:f} kWh, {measured:f} kWh were measured: {what}; off by "
        f"{abs(need):f} kWh, allowed are {tolerance:f}.{keep} Check the reads and the multiplier."
    )
    return Refused("scaling.sum_check", text, need=f"{need:f}")
