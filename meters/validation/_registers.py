"""Register reads on the grid of the intervals that they enclose."""

from __future__ import annotations

from datetime import timedelta

from meters.calc.circumstances import RegisterAdvance
from poweroptix.kernel.grid import Grid

_SECOND = timedelta(seconds=1)


def edges(grid: Grid, advance: RegisterAdvance) -> tuple[int, int, int]:
    """Return the intervals between two reads, and by how many seconds the reads miss their edges.

    A read belongs to the nearest edge.
    """
    step = timedelta(minutes=grid.minutes)
    nearest, missed = [], timedelta(0)
    for moment in (advance.start_utc, advance.end_utc):
        index, rest = divmod(moment - grid.start_utc, step)
        up = rest * 2 > step
        nearest.append(index + 1 if up else index)
        missed += step - rest if up else rest
    return nearest[0], nearest[1], -(-missed // _SECOND)
