"""A further quantity of a contract from the channels that are bound to its name: pure.

On each local day the channels that count then are added up with their signs, at the coarsest of
their lengths. Where one of them has no reading, or none counts, the quantity has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class Binding:
    """A channel, its sign, and the local days [first, end) on which it counts."""

    channel_id: int
    sign: int
    first: date
    end: date | None = None


def bound_series(
    name: str, bindings: Sequence[Binding], readings: Mapping[int, Series], period: Period
) -> Series:
    """Return the quantity over the period. Refused when channels have different units."""
    units = sorted({readings[one.channel_id].unit for one in bindings})
    if len(units) > 1:
        text = f"'{name}' is bound to channels in {' and in '.join(units)}; bind one unit"
        raise Refused("contracts.bound_units", text, name=name)
    minutes = max(readings[one.channel_id].grid.minutes for one in bindings)
    grid = period.grid(minutes)
    values = np.zeros(grid.count, dtype=np.int64)
    status = np.zeros(grid.count, dtype=np.uint8)
    counted = np.zeros(grid.count, dtype=bool)
    missing = np.zeros(grid.count, dtype=bool)
    for one in bindings:
        series = readings[one.channel_id].slice(period.start_utc, period.end_utc)
        series = series.to_minutes(minutes)
        active = _active(one, grid, period)
        counted |= active
        missing |= active & series.missing
        there = active & ~series.missing
        values[there] += one.sign * series.values[there]
        status[active] = np.maximum(status[active], series.status[active])
    absent = missing | ~counted
    values[absent], status[absent] = MISSING, int(Status.MISSING)
    return Series(grid, values, status, units[0])


def _active(binding: Binding, grid: Grid, period: Period) -> np.ndarray:
    """Return the intervals that begin on days on which a binding counts."""
    last = period.last_date + timedelta(days=1)
    first = max(binding.first, period.first_date)
    end = last if binding.end is None else min(binding.end, last)
    active = np.zeros(grid.count, dtype=bool)
    if first < end:
        start = period.day_bounds(first)[0]
        stop = period.day_bounds(end - timedelta(days=1))[1]
        active[_index(grid, start) : _index(grid, stop)] = True
    return active


def _index(grid: Grid, moment) -> int:
    return (moment - grid.start_utc) // timedelta(minutes=grid.minutes)
