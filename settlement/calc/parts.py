"""What an allocation is made of: pools, resulting series, how a part is spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split_grid
from settlement.weighing.stays import Span


@dataclass(frozen=True)
class Part:
    """One resulting series; `contract` is empty for what was split and for the operator's rest."""

    kind: str
    pool_code: str
    contract: str
    series: Series


@dataclass(frozen=True)
class PoolRule:
    """A pool as its run sees it: the key, its parameters, who bears it and from when to when."""

    code: str
    kind: str
    key: str
    parameters: Mapping[str, Any]
    members: Mapping[str, tuple[Span, ...]]
    points: tuple[str, ...] = ()


def spread(share: Series, use: Series) -> Series:
    """Spread a part over the finer intervals of its owner, by the owner's use inside each.

    An interval without use is spread evenly. Each coarse interval closes exactly, and no fine one
    gets more than its use as long as the part is not above the use of its interval.
    """
    factor = share.grid.minutes // use.grid.minutes
    if factor == 1:
        return share
    known = np.where(use.values == MISSING, 0, np.maximum(use.values, 0))
    weights = known.reshape(share.grid.count, factor).T
    missing = share.values == MISSING
    codes = [f"{index:03d}" for index in range(factor)]
    fine = split_grid(
        np.where(missing, 0, share.values),
        np.ascontiguousarray(weights),
        codes,
        fallback_weights=np.ones(factor, dtype=np.int64),
    )
    values = np.where(missing[None, :], MISSING, fine).T.reshape(-1)
    return Series(use.grid, values, np.repeat(share.status, factor), share.unit)


def where_known(series: Series, unknown: np.ndarray) -> Series:
    """Return the series, missing where something that it rests on is unknown."""
    if not unknown.any():
        return series
    status = np.where(unknown, int(Status.MISSING), series.status).astype(np.uint8)
    return Series(series.grid, np.where(unknown, MISSING, series.values), status, series.unit)
