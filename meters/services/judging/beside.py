"""A companion's readings on the grid of the channel it stands beside.

Energy is summed to longer intervals, never cut into shorter ones: equal parts would differ from a
meter that counts each. What is a state or a mean (power, weather, charge) holds over the shorter
intervals, and over longer ones is averaged so that the total stays exact. Fuel may stay on longer
intervals, as it is metered.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from meters.calc.circumstances import Relation
from meters.calc.resolution import change_length
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

MEANS = frozenset({"kW", "kVAr", "kVA", "W/m2", "m/s"})
STATES = frozenset({Relation.STATE_OF_CHARGE, Relation.RUNNING})


def laid_onto(relation: Relation, series: Series, grid: Grid) -> Series | None:
    """Return a companion's series on a grid that begins and ends with it; None if it does not fit.

    A state of charge comes back in pct. Longer fuel intervals come back as they are.
    """
    if series.grid.start_utc != grid.start_utc or series.grid.end_utc != grid.end_utc:
        return None
    if relation == Relation.STATE_OF_CHARGE and series.unit == "ratio":
        present = np.where(series.missing, 0, series.values) * 100
        values = np.where(series.missing, MISSING, present)
        series = Series(series.grid, values, series.status, "pct")
    own, wanted = series.grid.minutes, grid.minutes
    if own == wanted:
        return series
    is_level = relation in STATES or series.unit in MEANS
    if own > wanted:
        if relation == Relation.FUEL:
            return series
        return _held(series, grid) if is_level and own % wanted == 0 else None
    if wanted % own:
        return None
    if relation == Relation.STATE_OF_CHARGE:
        return _picked(series, grid, lambda parts: parts[:, 0])
    if relation == Relation.RUNNING:
        return _picked(series, grid, lambda parts: parts.max(axis=1))
    return _averaged(series, grid) if is_level else change_length(series, wanted)


def _held(series: Series, grid: Grid) -> Series:
    """Return a level that holds over the parts of its intervals."""
    parts = series.grid.minutes // grid.minutes
    return Series(grid, np.repeat(series.values, parts), np.repeat(series.status, parts),
                  series.unit)  # fmt: skip


def _picked(series: Series, grid: Grid, pick: Callable[[np.ndarray], np.ndarray]) -> Series:
    """Return one value of the parts of each interval; missing when a part is."""
    shape = (grid.count, grid.minutes // series.grid.minutes)
    status = series.status.reshape(shape).max(axis=1)
    values = np.where(status == Status.MISSING, MISSING, pick(series.values.reshape(shape)))
    return Series(grid, values, status, series.unit)


def _averaged(series: Series, grid: Grid) -> Series:
    """Return means whose sum is that of the parts to 10^-6: what one drops the next one gets."""
    parts = grid.minutes // series.grid.minutes
    shape = (grid.count, parts)
    status = series.status.reshape(shape).max(axis=1)
    absent = status == Status.MISSING
    sums = np.where(absent, 0, np.where(series.missing, 0, series.values).reshape(shape).sum(1))
    through = np.concatenate(([0], np.cumsum(sums))) // parts
    return Series(grid, np.where(absent, MISSING, np.diff(through)), status, series.unit)
