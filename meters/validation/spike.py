"""V13 Spike: the highest interval of a day stands out from the third highest.

``ratio = (P1 - P3) / P3``; the day fails when ratio > threshold, and every interval whose own
``(x - P3) / P3`` exceeds the threshold is flagged. Comparisons are exact integer arithmetic. A
spike that another channel shows in the same interval is likely real: it only warns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np

from meters.calc.circumstances import Companion, Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, limit_micro, rules, runs
from meters.validation._compare import trusted, usable
from meters.validation._days import local_days
from meters.validation._limits import capacity_steps
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MISSING, WIDE, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

PASS, FAIL, SKIPPED, NOT_APPLICABLE = "PASS", "FAIL", "SKIPPED", "NOT_APPLICABLE"
CORROBORATED = "CORROBORATED_SPIKE"
#: Which other channels can show that a spike was real, by unit of the judged one.
_WITNESSES = {
    "kWh": (Relation.REACTIVE, Relation.CHECK),
    "kVArh": (Relation.ACTIVE, Relation.CHECK),
}


@dataclass(frozen=True)
class SpikeParameters:
    """When a peak stands out."""

    threshold: Decimal = param(
        default=Decimal("1.8"),
        unit="ratio",
        minimum=0,
        help="Largest (P1 - P3) / P3 that passes; a flat load takes a tighter one, such as 0.3.",
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

    Intervals that an earlier rule failed, missing ones, and those that the device calls long or
    short are left out. Where kWh and kVArh, or main and check meter, spike in the same interval,
    the finding only warns.
    """

    code = "V13"
    title = "Spike"
    measures = "Above the third highest of the day"
    measured_in = "times it"
    stage = Stage.VALUE
    after_estimates = True
    Parameters = SpikeParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding per run of flagged intervals: HOLD, or WARN where corroborated."""
        parameters = context.parameters or SpikeParameters()
        least = _min_peak(series, context, parameters)
        found: list[Finding] = []
        witnesses: list[tuple[Companion, np.ndarray]] | None = None
        good = _judged(series, context)
        for verdict, rows in _spikes(series, context.zone, good, parameters, least):
            flags = np.zeros(series.grid.count, dtype=bool)
            flags[rows] = True
            if witnesses is None:
                witnesses = _witnesses(series, context, parameters, least)
            agreed = np.zeros(series.grid.count, dtype=bool)
            for _, shown in witnesses:
                agreed |= shown
            for mask in (flags & ~agreed, flags & agreed):
                for span in runs(mask):
                    by = [each.code for each, shown in witnesses if shown[slice(*span)].any()]
                    found.append(_finding(series, verdict, parameters, span, by))
        return sorted(found, key=lambda each: each.start_utc)


def _judged(series: Series, context: ValidationContext) -> np.ndarray:
    """Return where a value may be a spike; a long interval is one by its length alone."""
    good = usable(series, context)
    for first, end, code, _ in context.flags:
        if code in ("LONG", "SHORT"):
            good[max(first, 0) : max(end, 0)] = False
    return good


def _min_peak(series: Series, context: ValidationContext, parameters: SpikeParameters) -> Fraction:
    """Return the peak up to which nothing is judged, in 10^-6; of several capacities the least."""
    if not context.circumstances.capacities:
        limit = limit_micro(series, context)
    else:
        known = [
            limit_micro(
                series, ValidationContext(capacity_kw=kw, high_limit_kw=context.high_limit_kw)
            )
            for _, _, kw in capacity_steps(series, context)
        ]
        limit = min((each for each in known if each is not None), default=None)
    return (limit or Fraction(0)) * Fraction(parameters.min_peak_ratio)


def _witnesses(
    series: Series, context: ValidationContext, parameters: SpikeParameters, least: Fraction
) -> list[tuple[Companion, np.ndarray]]:
    """Return the channels that can corroborate, each with the intervals in which it spikes."""
    found = []
    for relation in _WITNESSES.get(series.unit, (Relation.CHECK,)):
        for each in context.circumstances.beside(relation):
            if each.series.grid != series.grid:
                continue
            shown = np.zeros(series.grid.count, dtype=bool)
            good = trusted(each.series)
            for _, rows in _spikes(each.series, context.zone, good, parameters, least):
                shown[rows] = True
            found.append((each, shown))
    return found


@lru_cache(maxsize=32)
def _layout(grid: Grid, zone: str) -> tuple[np.ndarray, int, int]:
    """Return where each interval lies in a table of local days, and the table's size."""
    days = local_days(grid, zone)
    width = max(int(days.counts.max()), 3)
    day = np.repeat(np.arange(len(days)), days.counts)
    return np.arange(grid.count) - days.starts[day] + day * width, len(days), width


def _spikes(
    series: Series,
    zone: str,
    good: np.ndarray,
    parameters: SpikeParameters,
    least: Fraction,
) -> Iterator[tuple[Assessment, np.ndarray]]:
    """Yield the days that fail (or the whole range) with their flagged intervals."""
    if not series.grid.count:
        return
    if parameters.mode == "BATCH":
        scopes = [(0, series.grid.count)]
    else:
        days = local_days(series.grid, zone)
        scopes = [days.bounds(day) for day in _doubtful(series, zone, good, parameters, least)]
    for first, end in scopes:
        rows = first + np.flatnonzero(good[first:end])
        verdict = assess(series.values[rows], parameters, least)
        if verdict.flagged:
            yield verdict, rows[list(verdict.flagged)]


def _doubtful(
    series: Series, zone: str, good: np.ndarray, parameters: SpikeParameters, least: Fraction
) -> np.ndarray:
    """Return the days that may fail, from the three highest values of each."""
    places, count, width = _layout(series.grid, zone)
    table = np.full(count * width, MISSING, dtype=np.int64)
    table[places] = np.where(good, series.values, MISSING)
    top = np.partition(table.reshape(count, width), width - 3, axis=1)[:, -3:]
    third, first = top.min(axis=1), top.max(axis=1)
    # Floats only choose the days that are judged exactly; the slack keeps every doubtful one.
    edge = third * ((1 + float(parameters.threshold)) * (1 - 1e-9))
    judged = (third >= 0) & (first > int(least // 1))
    return np.flatnonzero(judged & ((third == 0) | (first >= edge)))


def _finding(
    series: Series,
    verdict: Assessment,
    parameters: SpikeParameters,
    span: tuple[int, int],
    witnesses: list[str],
) -> Finding:
    peak = from_micro(int(series.values[slice(*span)].max()))
    scope = "the local day" if parameters.mode == "DAY" else "the judged days"
    if verdict.ratio is None:
        text = (
            f"{peak:,f} {series.unit} stands alone: the third highest interval of {scope} is zero."
        )
    else:
        text = (
            f"{peak:,f} {series.unit} stands out: the highest interval of {scope} exceeds its "
            f"third highest by {verdict.ratio:.5f} times (limit {parameters.threshold:,f})."
        )
    fix = "Accept it when the peak was real, or estimate it."
    if witnesses:
        text += f" {' and '.join(witnesses)} shows the same."
        fix = "Nothing is to be done when the peak was real; both channels may share a fault."
    return finding(
        "V13",
        Severity.WARN if witnesses else Severity.HOLD,
        series.grid,
        span,
        text,
        fix,
        verdict.ratio,
        parameters.threshold,
        {"verdict": CORROBORATED, "witnesses": witnesses} if witnesses else None,
    )
