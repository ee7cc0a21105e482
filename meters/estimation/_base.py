"""What every estimator shares: the context, the estimate with its worksheet, the registry.

An estimator is a class with a ``Parameters`` dataclass and
``estimate(series, gap, context) -> Estimate | None``; None means "not applicable here, try the
next step of the ladder". Estimates are in 0.001 of the unit (half-even) and deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import numpy as np

from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series

Flag = tuple[int, int, str, Mapping[str, str]]


@dataclass(frozen=True)
class EstimationContext:
    """What an estimator may know beside the series.

    The series should reach beyond the gap (neighbours, reference days); statuses decide what is
    usable. ``zone``: IANA zone of the campus. ``holidays``: its local holidays. ``flags``: device
    events as index ranges of the series (POWER_FAIL ... bar an end point or a reference day).
    ``barriers``: indices at which another installation begins; nothing reaches across.
    ``parameters``: the estimator's ``Parameters`` instance; None means the defaults.
    """

    zone: str = "UTC"
    holidays: frozenset[date] = frozenset()
    flags: Sequence[Flag] = ()
    barriers: Sequence[int] = ()
    parameters: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """Values for one gap and how they came about.

    ``gap``: index range of the series. ``values``: int64 in 10^-6 of the unit. ``worksheet``:
    plain JSON (numbers as text): method, rule, inputs, per-interval steps; enough to compute the
    values again. ``used``: what it rests on (neighbour instants or reference days, ISO text).
    ``warnings``: remarks for the reviewer.
    """

    gap: slice
    values: np.ndarray
    method: Method
    worksheet: dict[str, Any]
    used: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def decimals(self) -> list[Decimal]:
        """Return the values as Decimals of the unit."""
        return [Decimal(int(v)).scaleb(-6) for v in self.values]


class Estimator(Protocol):
    """An estimator: one class, registered under a versioned key."""

    title: str
    method: Method
    Parameters: type

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Estimate the intervals of ``gap``; None when the method does not apply."""


estimators: Registry[Estimator] = Registry("estimator", "meters.estimation")

USABLE = (Status.VALIDATED, Status.VERIFIED, Status.EDITED)
END_POINT_BARS = ("POWER_FAIL", "LONG", "SHORT", "TEST_MODE")


def usable(series: Series) -> np.ndarray:
    """Return a mask of readings an estimate may rest on: never another estimate."""
    return np.isin(series.status, [int(status) for status in USABLE]) & ~series.missing


def flagged(series: Series, flags: Sequence[Flag], codes: tuple[str, ...]) -> np.ndarray:
    """Return a mask of intervals that carry one of some device flags."""
    mask = np.zeros(series.grid.count, dtype=bool)
    for first, end, code, _ in flags:
        if code in codes:
            mask[first:end] = True
    return mask


def blocked(series: Series, flags: Sequence[Flag]) -> np.ndarray:
    """Return a mask of intervals that may not be an end point of an interpolation."""
    return flagged(series, flags, END_POINT_BARS)


def stamp(series: Series, index: int) -> str:
    """Return the start of an interval as text (``index == count`` gives the end of the series).

    >>> from datetime import UTC, datetime
    >>> from poweroptix.kernel.grid import Grid
    >>> stamp(Series.absent(Grid(datetime(2026, 3, 2, tzinfo=UTC), 15, 4), "kWh"), 1)
    '2026-03-02T00:15Z'
    """
    return series.grid.start_of(index).strftime("%Y-%m-%dT%H:%MZ")
