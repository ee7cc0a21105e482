"""The energy flows of a campus as carbon accounting sees them, on one grid.

Built from the sources and sinks of the campus balance: generators net of their auxiliaries, grid
tie, batteries, house load; and from what each contract was settled for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series

OUT = " out"
LOADS = ("TENANT_LOAD", "HOUSE")


@dataclass(frozen=True)
class Flows:
    """Micro-kWh per interval of the grid, never negative."""

    grid: Grid
    generation: np.ndarray
    station: np.ndarray
    imports: Mapping[str, np.ndarray]
    exports: Mapping[str, np.ndarray]
    stores: Mapping[str, tuple[np.ndarray, np.ndarray]]
    house: Mapping[str, np.ndarray]
    contracts: Mapping[str, np.ndarray]
    unclaimed: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def flows_of(
    kinds: Mapping[str, str],
    sources: Mapping[str, Series],
    sinks: Mapping[str, Series],
    contracts: Mapping[str, Series],
    minutes: int,
    *,
    metered: Mapping[str, Series] | None = None,
    claimed: Collection[str] = (),
    shared: Collection[str] = (),
) -> Flows:
    """Return the flows at intervals of `minutes`, the coarsest of all meters involved.

    `kinds` gives the kind of each point; a source or sink of a two-way point that flows out is
    named "<point> out". Generation and auxiliaries are netted for the campus; what auxiliaries
    take beyond is station service. `contracts` is what each contract takes, `metered` its own
    meters' part (the same where not given). What `shared` points took is in `contracts` already:
    it stands nowhere else. A house point `claimed` by a contract is a load like others; load
    beyond what contracts metered is `unclaimed`. Raises Refused when an interval is missing.
    """
    arrays = {code: _micro(code, series, minutes) for code, series in {**sources, **sinks}.items()}
    taken = {code: _micro(code, series, minutes) for code, series in contracts.items()}
    grid = _grid(sources, minutes)
    zero = np.zeros(grid.count, dtype=np.int64)
    net, imports, exports, stores = zero, {}, {}, {}
    for code in sources:
        kind = kinds.get(code, "")
        if kind == "GRID_TIE":
            imports[code] = arrays[code]
            exports[code] = arrays.get(code + OUT, zero)
        elif kind == "STORAGE":
            stores[code] = (arrays.get(code + OUT, zero), arrays[code])
        elif code not in shared:
            net = net + arrays[code]
    loads = [code for code in sinks if kinds.get(code) in LOADS and code not in shared]
    house = [code for code in loads if kinds[code] == "HOUSE" and code not in claimed]
    own = contracts if metered is None else metered
    served = sum((_micro(code, series, minutes) for code, series in own.items()), zero)
    owned = sum((arrays[code] for code in loads if code not in house), zero)
    return Flows(
        grid=grid,
        generation=np.maximum(net, 0),
        station=np.maximum(-net, 0),
        imports=imports,
        exports=exports,
        stores=stores,
        house={code: arrays[code] for code in house},
        contracts={code: np.maximum(values, 0) for code, values in taken.items()},
        unclaimed=np.maximum(owned - served, 0),
    )


def _grid(sources: Mapping[str, Series], minutes: int) -> Grid:
    if not sources:
        raise Refused(
            "esg.no_sources",
            "The campus has no metered generator, battery or grid tie, so the carbon of its "
            "energy is unknown.",
        )
    return next(iter(sources.values())).to_minutes(minutes).grid


def _micro(code: str, series: Series, minutes: int) -> np.ndarray:
    if series.missing_count:
        first = series.grid.start_of(int(series.missing.argmax()))
        raise Refused(
            "esg.missing",
            f"{code} has no value in {series.missing_count} intervals, the first at "
            f"{first:%Y-%m-%d %H:%M} UTC; its carbon is unknown.",
            point=code,
        )
    return series.to_minutes(minutes).values
