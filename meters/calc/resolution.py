"""Another interval length: sums to longer ones, equal parts to shorter ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import numpy as np

from meters.formats import ChannelBlock
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

#: Units whose readings may be added up over time.
SUMMED = frozenset({"kWh", "kVArh", "kVAh", "MMBtu", "m3", "kg"})


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


def takers(
    lengths: Collection[int], delivered: int, unit: str, accept: Collection[int] = ()
) -> list[int]:
    """Return which of some interval lengths take readings of a delivered length (F05), minutes.

    The same length does. Longer ones do only where `accept` names the delivered length and readings
    of the unit may be summed; nothing is summed in silence.

    >>> takers([15], 5, "kWh"), takers([15], 5, "kWh", accept=[5]), takers([15], 15, "kW")
    ([], [15], [15])
    """
    if delivered in lengths:
        return [delivered]
    if delivered not in accept or unit not in SUMMED:
        return []
    return sorted(length for length in lengths if length % delivered == 0)


def lengthen(block: ChannelBlock, minutes: int) -> ChannelBlock:
    """Return the readings of a block summed to longer intervals.

    A sum with a missing or absent part is missing, its status the worst of the parts; its line is
    the last one that it came from. Raises Refused when the length is no multiple.
    """
    parts, rest = divmod(minutes, block.minutes)
    if rest:
        text = f"{block.minutes}-minute intervals cannot be summed to {minutes} minutes."
        raise Refused("series.not_a_multiple", text)
    start = int(block.start_utc.timestamp()) // 60
    before = start % minutes // block.minutes
    count = -(-(before + block.count) // parts)

    def laid(source: np.ndarray, blank: int) -> np.ndarray:
        target = np.full(count * parts, blank, source.dtype)
        target[before : before + block.count] = source
        return target.reshape(count, parts)

    values, status = laid(block.values, MISSING), laid(block.status, int(Status.MISSING))
    absent = (values == MISSING).any(axis=1)
    # A plain reading not yet validated is no worse than an estimate beside it.
    worst = np.where(status == Status.RAW, 0, status).argmax(axis=1)
    rows = np.arange(count)
    method = laid(block.method, 0)[rows, worst]
    return replace(
        block,
        minutes=minutes,
        start_utc=block.start_utc - timedelta(minutes=before * block.minutes),
        values=np.where(absent, MISSING, np.where(values == MISSING, 0, values).sum(axis=1)),
        status=np.where(absent, int(Status.MISSING), status[rows, worst]).astype(np.uint8),
        method=np.where(absent, 0, method).astype(np.uint8),
        lines=laid(block.lines, 0).max(axis=1),
        flags=[
            ((before + a) // parts, -(-(before + b) // parts), code, detail)
            for a, b, code, detail in block.flags
        ],
    )
