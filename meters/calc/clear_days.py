"""Which days were clear, by the irradiance itself: no model of the sky, no map.

A local day is clear when its insolation comes near the highest of the days around it. A month
without one clear day passes for clear at its brightest; ratios of irradiance still hold there.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.estimation._base import usable
from poweroptix.kernel.period import LocalClock
from poweroptix.kernel.series import Series

CLEAR_RATIO = Decimal("0.9")


def clear_days(irradiance: Series, zone: str) -> frozenset[date]:
    """Return the local days, measured from end to end, with 90 % of the brightest one at least.

    `irradiance`: W/m2. The first and last day of the series count only if whole days of it are
    there, which every day of the same number of intervals or more is.
    """
    if not irradiance.grid.count:
        return frozenset()
    ordinals = LocalClock.of(irradiance.grid, zone).date_ordinal
    days, place = np.unique(ordinals, return_inverse=True)
    good = usable(irradiance)
    values = np.where(good & ~irradiance.missing, np.maximum(irradiance.values, 0), 0)
    sums = np.zeros(len(days), np.int64)
    np.add.at(sums, place, values)
    there = np.bincount(place, weights=good).astype(np.int64)
    least = 23 * 60 // irradiance.grid.minutes  # a day of spring has 23 hours
    whole = (there == np.bincount(place)) & (there >= least)
    if not whole.any():
        return frozenset()
    brightest = int(sums[whole].max())
    if brightest == 0:
        return frozenset()
    limit = Fraction(CLEAR_RATIO) * brightest
    return frozenset(
        date.fromordinal(int(day))
        for day, ok, sunshine in zip(days, whole, sums.tolist(), strict=True)
        if ok and sunshine >= limit
    )
