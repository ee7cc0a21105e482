"""Daily prices stand for local dates, whatever clock the grid that keeps them follows.

A daily series keeps the price of a date at midnight UTC of that date. Laid on intervals by UTC,
the evening of every day west of Greenwich would have the price of the next one.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import numpy as np

from contracts.calc.gas_days import DAY_MINUTES, gas_day_ordinals, positions
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.price_series import PriceSeries


def grid_of_dates(days: Sequence[date]) -> Grid:
    """Return the grid on which daily prices of these consecutive dates are kept.

    >>> grid_of_dates([date(2026, 3, 8), date(2026, 3, 9)]).count
    2
    """
    return Grid(datetime.combine(days[0], time(), tzinfo=UTC), DAY_MINUTES, len(days))


def is_by_date(prices: PriceSeries) -> bool:
    """Say whether prices are kept by date: one a day, from midnight UTC.

    A document may write daily prices from local midnight; they lie on the clock as they are.
    """
    return prices.grid.minutes == DAY_MINUTES and prices.grid.start_utc.time() == time()


def prices_on(prices: PriceSeries, grid: Grid, zone: str) -> np.ndarray:
    """Return the price of every interval in 10^-8, a daily one by local date; MISSING outside.

    Refused when an interval lies in two prices.
    """
    if not is_by_date(prices) or grid.minutes == DAY_MINUTES:
        return prices.onto(grid)
    found = positions(prices, gas_day_ordinals(grid, zone, 0))
    return np.where(found < 0, MISSING, prices.values[found])
