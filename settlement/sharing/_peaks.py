"""Blocks of one length, and a member's kW in them: what both peak keys read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from settlement.sharing._base import Claims, Measured


@dataclass(frozen=True, kw_only=True)
class PeakParameters(Measured):
    """Which quantity, and over how many minutes a peak is the average."""

    window_minutes: int = param(
        unit="minutes",
        minimum=5,
        maximum=60,
        help="Length of the block whose average kW counts; whole multiples of the readings.",
    )


def blocks(claims: Claims, code: str, minutes: int) -> tuple[Grid, np.ndarray] | None:
    """Return a member's micro-kWh per block of the month; zero where it does not take part.

    None when an interval in which it takes part has no reading.
    """
    series = claims.series.get(code)
    if series is None:
        return None
    coarse = series.to_minutes(minutes)
    taken = np.zeros(coarse.grid.count, dtype=bool)
    for _stay, days in claims.present()[code]:
        start, end = claims.period.day_bounds(days[0])[0], claims.period.day_bounds(days[-1])[1]
        first = int((start - coarse.grid.start_utc).total_seconds() // 60) // minutes
        last = int((end - coarse.grid.start_utc).total_seconds() // 60) // minutes
        taken[first:last] = True
    if (coarse.missing & taken).any():
        return None
    return coarse.grid, np.where(taken & ~coarse.missing, np.maximum(coarse.values, 0), 0)


def kw(kwh_micro: int, minutes: int) -> Fraction:
    """Return the average kW of a block."""
    return Fraction(int(kwh_micro) * 60, minutes * MICRO)
