"""V13 Spike: the highest interval of a day stands out from the third highest.

``ratio = (P1 - P3) / P3``; the day fails when ratio > threshold, and every interval whose own
``(x - P3) / P3`` exceeds the threshold is flagged. Comparisons are exact integer arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np

from meters.validation._base import (
    BaseRule,
    Stage,
    ValidationContext,
    instant,
    limit_micro,
    rules,
    runs,
)
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import WIDE, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import LocalClock
from poweroptix.kernel.series import Series

PASS, FAIL, SKIPPED, NOT_APPLICABLE = "PASS", "FAIL", "SKIPPED", "NOT_APPLICABLE"


@dataclass(frozen=True)
class SpikeParameters:
    """When a peak stands out."""

    threshold: Decimal = param(
        default=Decimal("1.8"), unit="ratio", minimum=0, help="Largest (P1 - P3) / P3 that passes."
    )
    min_intervals: int = param(
        default=20, unit="count", minimum=3, help="Fewer valid intervals are not judged."
    )
    min_peak_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        help="A peak up to this share of the limit is not judged; 0 without a limit.",
    )
    mode: str = param(
        default="DAY", choices=("DAY", "BATCH"), help="Judge local days, or the whole range."
    )


@dataclass(frozen=True)
class Assessment:
    """The verdict on one day. ``flagged`` are indices of the given values."""

    result: str
    reason: str = ""
    ratio: Decimal | None = None
    flagged: tuple[int, ...] = ()


def assess(values: np.ndarray, parameters: SpikeParameters, min_peak_micro: Fraction) -> Assessment:
    """Judge the present, not yet failed values of one day (int64 in 10^-6).

    >>> assess(np.zeros(96, dtype=np.int64), SpikeParameters(), Fraction(0)).result
    'NOT_APPLICABLE'
    """
    if len(values) < parameters.min_intervals:
        return Assessment(SKIPPED, "fewer than min_intervals")
    top = np.partition(values, len(values) - 3)[-3:]
    third, first = int(top.min()), int(top.max())
    if first <= min_peak_micro:
        return Assessment(NOT_APPLICABLE, "peak<=min_peak")
    if third < 0:
        return Assessment(NOT_APPLICABLE, "third peak below zero")
    if third == 0:
        flagged = np.flatnonzero(values > int(min_peak_micro // 1))
        return Assessment(FAIL, "third peak is zero", None, tuple(flagged.tolist()))
    ratio = WIDE.divide(Decimal(first - third), Decimal(third))
    edge = third + Fraction(parameters.threshold) * third
    flagged = np.flatnonzero(values > int(edge // 1))
    result = FAIL if len(flagged) else PASS
    return Assessment(result, "", ratio, tuple(flagged.tolist()))


@rules.register("spike@1")
class Spike(BaseRule):
    """The highest interval of a local day is at most 2.8 times the third highest (default).

    Intervals that an earlier rule failed, and missing ones, are left out.
    """

    code = "V13"
    title = "Spike"
    stage = Stage.VALUE
    after_estimates = True
    Parameters = SpikeParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of flagged intervals."""
        parameters = context.parameters or SpikeParameters()
        limit = limit_micro(series, context) or Fraction(0)
        min_peak = limit * Fraction(parameters.min_peak_ratio)
        usable = ~series.missing
        if context.failed is not None:
            usable &= ~context.failed
        found = []
        for rows in _scopes(series, context.zone, parameters, usable):
            verdict = assess(series.values[rows], parameters, min_peak)
            flags = np.zeros(series.grid.count, dtype=bool)
            flags[rows[list(verdict.flagged)]] = True
            found += [_finding(series, verdict, parameters, a, b) for a, b in runs(flags)]
        return found


@lru_cache(maxsize=32)
def _day_numbers(grid: Grid, zone: str) -> np.ndarray:
    """Return the local day of each interval; channels of one run share it."""
    return LocalClock.of(grid, zone).date_ordinal


def _scopes(
    series: Series, zone: str, parameters: SpikeParameters, usable: np.ndarray
) -> list[np.ndarray]:
    """Return the usable indices of each local day that may fail, or of the whole range."""
    rows = np.flatnonzero(usable)
    if parameters.mode == "BATCH" or not len(rows):
        return [rows] if len(rows) else []
    days = _day_numbers(series.grid, zone)[rows]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(days)) + 1, [len(rows)]))
    counts = np.diff(starts)
    table = np.full((len(counts), max(int(counts.max()), 3)), -(2**63) + 1, dtype=np.int64)
    table[np.arange(table.shape[1]) < counts[:, None]] = series.values[rows]
    top = np.partition(table, table.shape[1] - 3, axis=1)[:, -3:]
    third, first = top.min(axis=1), top.max(axis=1)
    # Floats only choose the days that are judged exactly; the slack keeps every doubtful one.
    edge = third * ((1 + float(parameters.threshold)) * (1 - 1e-9))
    doubtful = (third <= 0) | (first >= edge)
    return [rows[starts[day] : starts[day + 1]] for day in np.flatnonzero(doubtful)]


def _finding(
    series: Series, verdict: Assessment, parameters: SpikeParameters, a: int, b: int
) -> Finding:
    peak = from_micro(int(series.values[a:b].max()))
    span = "the local day" if parameters.mode == "DAY" else "the judged days"
    if verdict.ratio is None:
        text = f"{peak:f} {series.unit} stands alone: the third highest interval of {span} is zero."
    else:
        text = (
            f"{peak:f} {series.unit} stands out: the highest interval of {span} exceeds its third "
            f"highest by {verdict.ratio:.5f} times (limit {parameters.threshold:f})."
        )
    return Finding(
        "V13",
        text,
        Severity.HOLD,
        metric=verdict.ratio,
        threshold=parameters.threshold,
        start_utc=instant(series.grid, a),
        end_utc=instant(series.grid, b),
        fix="Accept it when the peak was real, or estimate it.",
    )
