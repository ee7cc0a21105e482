"""Exact comparisons over integer arrays, and the numbers that findings print.

Values are 64-bit integers in 10^-6 of their unit. A product that could leave 64 bits is made of
Python integers instead, so a comparison is always the one that the numbers say.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.validation._base import POWER_UNITS, ValidationContext, limit_micro
from poweroptix.kernel.fixed import MICRO, WIDE
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

_ROOM = 2**62
_DOUBTED = (Status.ESTIMATED, Status.SUSPECT, Status.REJECTED, Status.MISSING)
#: Power beside energy: unit of the one and of the other.
_ENERGY_OF = {"kW": "kWh", "kVAr": "kVArh", "kVA": "kVAh"}


def above(left: np.ndarray, factor: Fraction | Decimal, right: np.ndarray) -> np.ndarray:
    """Return where left > factor x right, exactly.

    >>> above(np.array([6, 7]), Fraction(2, 3), np.array([9, 10])).tolist()
    [False, True]
    """
    ratio = Fraction(factor)
    over, under = ratio.numerator, ratio.denominator
    if max(_largest(left) * under, _largest(right) * abs(over)) >= _ROOM:
        left, right = left.astype(object), right.astype(object)
    return np.asarray(left * under > right * over, dtype=bool)


def _largest(values: np.ndarray) -> int:
    """Return the largest magnitude."""
    return max(int(values.max()), -int(values.min())) if values.size else 0


def usable(series: Series, context: ValidationContext) -> np.ndarray:
    """Return where the judged series has a value that no earlier rule failed."""
    present = ~series.missing
    return present if context.failed is None else present & ~context.failed


def trusted(series: Series) -> np.ndarray:
    """Return where another channel's value may judge: there, not estimated, not doubted."""
    status = series.status
    return ~np.isin(status, _DOUBTED) if (status >= Status.ESTIMATED).any() else _all(status)


def _all(status: np.ndarray) -> np.ndarray:
    return np.ones(status.shape, dtype=bool)


def cleared(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the values with zero where they do not count."""
    return values if kept.all() else np.where(kept, values, 0)


def unit_factor(series: Series, companion: Series) -> Fraction | None:
    """Return what turns a companion's values into the unit of the series; None if nothing does."""
    if companion.unit == series.unit:
        return Fraction(1)
    if _ENERGY_OF.get(companion.unit) == series.unit:
        return Fraction(series.grid.minutes, 60)
    return None


def interval_micro(series: Series, kw: Decimal | Fraction) -> Fraction:
    """Return what a power gives in one interval, in 10^-6 of the unit of the series.

    For a channel of power that is the power itself.
    """
    hours = 1 if series.unit in POWER_UNITS else Fraction(series.grid.minutes, 60)
    return Fraction(kw) * hours * MICRO


def floor_micro(series: Series, context: ValidationContext, share: Decimal) -> Fraction:
    """Return a share of what one interval may show; 0 where no limit is known."""
    return (limit_micro(series, context) or Fraction(0)) * Fraction(share)


def number(micro: int | Fraction) -> Decimal:
    """Return a quantity behind 10^-6 units, however large; the part below 10^-6 is cut."""
    return plain(Fraction(micro) / MICRO)


def plain(exact: Fraction | Decimal | int) -> Decimal:
    """Return a number for print: at most 6 decimals, cut towards zero, no trailing zeros.

    >>> str(plain(Fraction(1, 3))), str(plain(Decimal("1200.500"))), str(plain(Fraction(1200)))
    ('0.333333', '1200.5', '1200')
    """
    whole = to_places(Fraction(exact), 6, Mode.DOWN)
    text = f"{whole:f}".rstrip("0").rstrip(".")
    return Decimal(text if text not in ("-0", "") else "0")


def quotient(exact: Fraction) -> Decimal:
    """Return a ratio as a metric: exact where it ends, else to 60 digits."""
    return WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
