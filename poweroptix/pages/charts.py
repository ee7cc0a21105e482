"""What a chart is sent: columns, not rows, and the quality of every interval beside the values.

The numbers are for the eye alone (floats, decimated to what a screen can show); whoever wants the
exact ones takes the download.
"""

from collections.abc import Mapping

import numpy as np

from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.series import Series

MOST_POINTS = 4_000
POWER = {"kWh": "kW", "MMBtu": "MMBtu/h"}


def payload(series: Mapping[str, Series], zone: str, *, as_power: bool = True) -> dict:
    """Return the columnar document that po-chart.js draws.

    Series of one grid; energies become average power when `as_power`. Longer ranges are summed to
    a coarser interval until they fit the screen.
    """
    drawn = {name: _thin(one) for name, one in series.items()}
    first = next(iter(drawn.values()))
    unit = POWER.get(first.unit, first.unit) if as_power else first.unit
    return {
        "t0": int(first.grid.start_utc.timestamp()),
        "step": first.grid.minutes * 60,
        "unit": unit,
        "tz": zone,
        "series": [
            {"name": name, "v": _column(one, as_power=as_power and one.unit in POWER)}
            for name, one in drawn.items()
        ],
        "q": runs(first.status),
    }


def runs(status: np.ndarray) -> list[list]:
    """Return the quality letters run-length: [["A", 95], ["E", 1]]."""
    if not len(status):
        return []
    edges = np.flatnonzero(np.diff(status)) + 1
    starts = np.concatenate(([0], edges))
    ends = np.concatenate((edges, [len(status)]))
    joined: list[list] = []
    for begin, end in zip(starts.tolist(), ends.tolist(), strict=True):
        found = letter(Status(int(status[begin])))
        if joined and joined[-1][0] == found:
            joined[-1][1] += end - begin
        else:
            joined.append([found, end - begin])
    return joined


def _thin(series: Series) -> Series:
    for minutes in (15, 30, 60):
        if series.grid.count <= MOST_POINTS:
            break
        if minutes > series.grid.minutes and minutes % series.grid.minutes == 0:
            whole = minutes // series.grid.minutes
            if series.grid.count % whole == 0:
                series = series.to_minutes(minutes)
    return series


def _column(series: Series, *, as_power: bool) -> list:
    scale = (60 / series.grid.minutes if as_power else 1) / 1e6
    return [None if v == MISSING else round(v * scale, 3) for v in series.values.tolist()]
