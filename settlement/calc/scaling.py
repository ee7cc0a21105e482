"""Energy times a ratio, in whole micro-units: loss factors and shares of a point."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.series import Series

RATIO_SCALE = 10**8


def scaled(series: Series, ratio: Decimal) -> Series:
    """Return the series times a ratio of at most 8 decimals, half-even at 10^-6 of the unit.

    The product is exact before it is rounded: the quantity is cut into whole hundreds of millions
    and a rest, so that 64 bits are enough. Missing stays missing.
    """
    factor = _scaled_ratio(ratio)
    missing = series.values == MISSING
    values = np.where(missing, 0, series.values)
    high, low = np.divmod(values, RATIO_SCALE)
    whole, rest = np.divmod(low * factor, RATIO_SCALE)
    total = high * factor + whole
    up = (2 * rest > RATIO_SCALE) | ((2 * rest == RATIO_SCALE) & (total % 2 != 0))
    return Series(series.grid, np.where(missing, MISSING, total + up), series.status, series.unit)


def _scaled_ratio(ratio: Decimal) -> int:
    scaled_ratio = ratio * RATIO_SCALE
    if scaled_ratio != scaled_ratio.to_integral_value() or abs(ratio) > 2:
        text = f"The ratio {ratio} must lie between -2 and 2 and have at most 8 decimals."
        raise Refused("settlement.ratio", text)
    return int(scaled_ratio)
