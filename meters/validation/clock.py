"""V08 Clock tolerance: the meter's clock was off when the readings were collected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from meters.calc.circumstances import ClockCheck
from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ClockParameters:
    """How far a clock may be off."""

    tolerance_s: Decimal = param(
        default=Decimal(180),
        unit="s",
        minimum=0,
        help="Largest difference between meter clock and reference that passes.",
    )


@dataclass(frozen=True)
class _Doubt:
    """Readings whose time is doubtful, and the worst check that says so."""

    start_utc: datetime
    end_utc: datetime
    worst: ClockCheck


@rules.register("clock@1")
class Clock(BaseRule):
    """The meter's clock is within 180 s (default) of the reference at each collection.

    A check that fails puts the time of everything since the last good check in doubt. Readings
    after the newest check stay in doubt when that check failed.
    """

    code = "V08"
    title = "Clock tolerance"
    measures = "Clock off by"
    measured_in = "s"
    stage = Stage.STRUCTURE
    Parameters = ClockParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that no check of the clock is known, where none is."""
        return "" if context.circumstances.clock_checks else "a check of the meter's clock"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per range of readings whose time is in doubt."""
        parameters = context.parameters or ClockParameters()
        found = []
        for doubt in _doubts(context.circumstances.clock_checks, parameters.tolerance_s):
            span = _inside(series, doubt)
            if span is not None:
                found.append(_finding(series, span, doubt.worst, parameters.tolerance_s))
        return found


def _doubts(checks: tuple[ClockCheck, ...], tolerance_s: Decimal) -> Iterator[_Doubt]:
    """Yield the times between the last good check and the last failed one after it."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    good, failed = first, []
    for check in sorted(checks, key=lambda each: each.at_utc):
        if abs(check.drift_s) > tolerance_s:
            failed.append(check)
            continue
        if failed:
            yield _Doubt(good, failed[-1].at_utc, _worst(failed))
        good, failed = check.at_utc, []
    if failed:
        yield _Doubt(good, last, _worst(failed))


def _worst(checks: list[ClockCheck]) -> ClockCheck:
    return max(checks, key=lambda each: abs(each.drift_s))


def _inside(series: Series, doubt: _Doubt) -> tuple[int, int] | None:
    """Return the doubtful range of the series from its first to its last value; None if empty."""
    grid = series.grid
    first, end = _index(grid, doubt.start_utc), _index(grid, doubt.end_utc, up=True)
    present = (~series.missing[first:end]).nonzero()[0]
    if not len(present):
        return None
    return first + int(present[0]), first + int(present[-1]) + 1


def _index(grid: Grid, moment: datetime, *, up: bool = False) -> int:
    """Return the interval that holds a moment (with `up`: the next boundary), inside the grid."""
    if moment <= grid.start_utc:
        return 0
    if moment >= grid.end_utc:
        return grid.count
    whole, rest = divmod(moment - grid.start_utc, timedelta(minutes=grid.minutes))
    return int(whole) + (1 if up and rest else 0)


def _finding(
    series: Series, span: tuple[int, int], worst: ClockCheck, tolerance_s: Decimal
) -> Finding:
    drift = abs(worst.drift_s)
    sense = "fast" if worst.drift_s > 0 else "slow"
    checked = worst.at_utc.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return finding(
        "V08",
        Severity.HOLD,
        series.grid,
        span,
        f"The meter's clock was {drift:,f} s {sense} at {checked} ({tolerance_s:,f} s pass): the "
        "time of these readings is in doubt.",
        "Have the clock set, then accept the readings or let them be estimated.",
        drift,
        tolerance_s,
        {"flag": "TIME_SUSPECT", "drift_s": f"{worst.drift_s:f}", "source": worst.source},
    )
