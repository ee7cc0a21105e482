"""Another interval length: sums to longer ones, equal parts to shorter ones."""

from __future__ import annotations

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series


def change_length(series: Series, minutes: int) -> Series:
    """Return an energy series with another interval length.

    Longer: sums, missing when a part is missing, status worst of the parts. Shorter: equal parts in
    10^-6 that add up exactly, status CALCULATED (display, or a contract that says so). Raises
    Refused when the lengths are no multiples of each other (10 minutes to 15).

    >>> from datetime import UTC, datetime
    >>> from decimal import Decimal
    >>> grid = Grid(datetime(2026, 3, 2, tzinfo=UTC), 15, 2)
    >>> series = Series.of(grid, [Decimal("450"), Decimal("470")], "kWh")
    >>> change_length(series, 30).decimals()
    [Decimal('920')]
    """
    if minutes >= series.grid.minutes:
        return series.to_minutes(minutes)
    parts, rest = divmod(series.grid.minutes, minutes)
    if rest:
        text = f"{series.grid.minutes}-minute intervals cannot be cut into {minutes} minutes."
        raise Refused("series.not_a_multiple", text)
    present = np.where(series.missing, 0, series.values)
    edges = present[:, None] * np.arange(parts + 1) // parts
    values = np.where(series.missing[:, None], MISSING, np.diff(edges, axis=1)).reshape(-1)
    status = np.repeat(np.where(series.missing, Status.MISSING, Status.CALCULATED), parts)
    grid = Grid(series.grid.start_utc, minutes, series.grid.count * parts)
    return Series(grid, values, status.astype(np.uint8), series.unit)
