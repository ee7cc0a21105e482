"""Gas prices by day of flow: which gas day an interval lies in, and what a weekend carries.

A gas index is published for days of flow. The price for a weekend block stands at its first day;
the days after it that have no price of their own carry it, as published, and are as final as it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock
from poweroptix.kernel.price_series import PriceSeries

DAY_MINUTES = 1440
SUNDAY, MONDAY = 6, 0
#: How many days before the first gas day a weekend with holidays may reach back.
CARRY_REACH_DAYS = 5


def gas_day_ordinals(grid: Grid, zone: str, start_hour: int) -> np.ndarray:
    """Return the proleptic ordinal of the gas day in which each interval begins.

    A gas day bears the date on which it begins: with 9, hours before 09:00 belong to the day
    before. Refused when an interval lies in two gas days.
    """
    clock = LocalClock.of(grid, zone)
    past = (clock.minute_of_day - start_hour * 60) % DAY_MINUTES
    if ((past + grid.minutes) > DAY_MINUTES).any():
        text = (
            f"an interval of {grid.minutes} minutes lies in two gas days from {start_hour:02d}:00"
        )
        raise Refused("contracts.gas_day", text)
    return clock.date_ordinal - (clock.minute_of_day < start_hour * 60)


@dataclass(frozen=True)
class Carried:
    """Daily prices after the carry; `of` names the day whose price each carried day has."""

    prices: PriceSeries
    of: dict[date, date]


def carry(published: PriceSeries, holidays: Collection[date]) -> Carried:
    """Let Sundays, Mondays, holidays and days after holidays have the price of the day before.

    Only those without a price of their own; a carried price is carried on. Any other day without
    a price stays missing, and nothing is carried over it.
    """
    values, of = published.values.copy(), {}
    for at in range(1, published.grid.count):
        day = day_at(published, at)
        before = day - timedelta(days=1)
        may = day.weekday() in (SUNDAY, MONDAY) or day in holidays or before in holidays
        if values[at] == MISSING and may and values[at - 1] != MISSING:
            values[at] = values[at - 1]
            of[day] = of.get(before, before)
    if not of:
        return Carried(published, of)
    kept = PriceSeries(published.grid, values, published.unit, published.vintage, published.final)
    return Carried(kept, of)


def day_at(prices: PriceSeries, at: int) -> date:
    """Return the date that a daily price stands for."""
    return prices.grid.start_of(at).date()


def positions(prices: PriceSeries, ordinals: np.ndarray) -> np.ndarray:
    """Return where each gas day stands in daily prices; -1 outside. Refused unless daily."""
    grid = prices.grid
    midnight = datetime.combine(grid.start_utc.date(), time(), tzinfo=UTC)
    if grid.minutes != DAY_MINUTES or grid.start_utc != midnight:
        text = (
            "a gas index has one price per date, 1,440 minutes from midnight UTC of its first day, "
            f"not one every {grid.minutes} minutes from {grid.start_utc:%H:%M} UTC"
        )
        raise Refused("contracts.index_minutes", text)
    found = ordinals - grid.start_utc.date().toordinal()
    return np.where((found >= 0) & (found < grid.count), found, -1)
