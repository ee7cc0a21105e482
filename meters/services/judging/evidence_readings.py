"""Final readings of many channels of any interval length over one range.

What this run has judged already lies over what is published; suspect readings count as missing,
for nothing may rest on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from meters.calc.resolution import change_length
from meters.models import Layer
from meters.services.judging.judge import Readings
from meters.services.judging.window import Window
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series


class Stored:
    """Readings by channel, read with two queries for each interval length."""

    def __init__(
        self,
        wanted: Iterable[tuple[int, int]],
        start_utc: datetime,
        end_utc: datetime,
        judged: Sequence[Window] = (),
    ) -> None:
        """Read channels (id, minutes) over [start, end), widened to whole intervals of each."""
        ids: dict[int, set[int]] = defaultdict(set)
        for channel_id, minutes in wanted:
            ids[minutes].add(channel_id)
        self._judged = judged
        self._windows = {
            minutes: Window.read(sorted(group), *_whole(start_utc, end_utc, minutes), minutes)
            for minutes, group in sorted(ids.items())
        }

    def grid(self, minutes: int) -> Grid:
        """Return the grid on which channels of an interval length lie."""
        return self._windows[minutes].grid

    def series(
        self,
        channel_id: int,
        minutes: int,
        unit: str,
        now: Readings | None = None,
        offset: int = 0,
    ) -> Series:
        """Return the readings of a channel; `now` lies over them from an index on."""
        kept = self._windows[minutes].readings(channel_id, Layer.FINAL)
        values, status = kept.values.copy(), kept.status.copy()
        for other in self._judged if now is None else ():
            if other.grid.minutes == minutes and channel_id in other.ids:
                _lay(values, status, self.grid(minutes), other, channel_id)
        if now is not None:
            inside = slice(offset, offset + len(now.values))
            values[inside], status[inside] = now.values, now.status
        doubted = status == Status.SUSPECT
        values[doubted], status[doubted] = MISSING, int(Status.MISSING)
        return Series(self.grid(minutes), values, status, unit)

    def versions(
        self, channel_id: int, minutes: int, start_utc: datetime, end_utc: datetime
    ) -> list[tuple[int, int, int]]:
        """Return (day number, layer, version) of the newest blocks of a channel in [start, end).

        Days that this run judges are told by the version of their raw block.
        """
        judging = [w for w in self._judged if w.grid.minutes == minutes and channel_id in w.ids]
        found = []
        known = self._windows[minutes].known_versions(channel_id, start_utc, end_utc)
        for day, raw, final in known:
            fresh = any(window.first <= day <= window.last for window in judging)
            layer, version = (Layer.RAW, raw) if fresh else (Layer.FINAL, final)
            if version:
                found.append((day, int(layer), version))
        return found


def at_length(series: Series, grid: Grid) -> Series:
    """Return measured energy of another interval length on a grid: summed, or spread evenly.

    It stays measured: the whole is, and what an estimate says of its parts is an estimate anyway.
    """
    other = onto(change_length(series, grid.minutes), grid)
    cut = other.status == Status.CALCULATED
    status = np.where(cut, int(Status.VALIDATED), other.status).astype(np.uint8)
    return Series(grid, other.values, status, series.unit)


def onto(series: Series, grid: Grid) -> Series:
    """Return a series of the same interval length on another grid; missing where it has nothing."""
    if series.grid == grid:
        return series
    values = np.full(grid.count, MISSING, np.int64)
    status = np.full(grid.count, int(Status.MISSING), np.uint8)
    offset = (series.grid.start_utc - grid.start_utc) // timedelta(minutes=grid.minutes)
    first, end = max(0, offset), min(grid.count, offset + series.grid.count)
    if first < end:
        inside = slice(first - offset, end - offset)
        values[first:end], status[first:end] = series.values[inside], series.status[inside]
    return Series(grid, values, status, series.unit)


def _lay(
    values: np.ndarray, status: np.ndarray, grid: Grid, window: Window, channel_id: int
) -> None:
    """Set what a window has judged of a channel where the grids overlap."""
    readings = window.readings(channel_id, Layer.FINAL)
    offset = (window.grid.start_utc - grid.start_utc) // timedelta(minutes=grid.minutes)
    first, end = max(0, offset), min(grid.count, offset + window.grid.count)
    if first < end:
        values[first:end] = readings.values[first - offset : end - offset]
        status[first:end] = readings.status[first - offset : end - offset]


def _whole(start: datetime, end: datetime, minutes: int) -> tuple[datetime, datetime]:
    """Return a range widened to whole intervals since 1970."""
    step = minutes * 60
    first = int(start.timestamp()) // step * step
    last = -(-int(end.timestamp()) // step) * step
    return datetime.fromtimestamp(first, start.tzinfo), datetime.fromtimestamp(last, end.tzinfo)
