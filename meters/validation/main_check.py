"""V21 Main against check: two meters of one flow tell the same (vee.md 3.2).

``100 x |main - check| / main``, per interval (V21) and per local day (V21D). The ratio has no floor
of its own, so readings up to a small share of the limit are left to the day, and a small day alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Companion, Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._beside import Apart, apart_finding, beside, days_apart, small_micro
from meters.validation._compare import above, trusted, usable
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

NEEDED = "a check or backup meter of the same unit and interval length"
FIX = "Test both meters; take the right one, or estimate from it."


@dataclass(frozen=True)
class MainCheckParameters:
    """How far two meters may lie apart in an interval."""

    tolerance_pct: Decimal = param(
        default=Decimal("0.5"),
        unit="%",
        minimum=0,
        help="Largest difference of an interval that passes, in percent of the main meter.",
    )
    min_load_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Readings up to this share of the limit are not compared; 0 without a limit.",
    )


@rules.register("main_check@1")
class MainCheck(BaseRule):
    """In every interval, main and check meter lie within 0.5 % of the main meter.

    Compared are intervals in which both have a value that is neither estimated nor in doubt at the
    check meter. A difference equal to the limit passes; a check meter that counts while the main
    one shows nothing does not.
    """

    code = "V21"
    title = "Main against check meter, interval"
    measures = "Apart from the other meter"
    measured_in = "%"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = MainCheckParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that a check meter is missing, where it is."""
        return "" if beside(series, context, Relation.CHECK) else NEEDED

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals that lie too far apart."""
        companions = context.circumstances.beside(Relation.CHECK)
        if not companions:
            return []
        parameters = context.parameters or MainCheckParameters()
        small = small_micro(series, context, parameters.min_load_ratio)
        found = []
        for companion, factor in beside(series, context, Relation.CHECK):
            if factor != 1:
                continue  # power beside energy says nothing about one interval
            bad = _far(series, context, companion, parameters, small)
            found += [_finding(series, companion, bad, parameters, a, b) for a, b in runs(bad)]
        return found


def _far(
    series: Series,
    context: ValidationContext,
    companion: Companion,
    parameters: MainCheckParameters,
    small: int,
) -> np.ndarray:
    """Return the intervals in which the two lie too far apart."""
    main, other = series.values, companion.series.values
    both = usable(series, context) & trusted(companion.series)
    both &= main != other
    at = np.flatnonzero(both)
    main, other = main[at], other[at]
    size = np.abs(main)
    far = above(np.abs(main - other), Fraction(parameters.tolerance_pct) / 100, size)
    far &= np.maximum(size, np.abs(other)) > small
    both[at] = far
    return both


def _finding(
    series: Series,
    companion: Companion,
    bad: np.ndarray,
    parameters: MainCheckParameters,
    first: int,
    end: int,
) -> Finding:
    """Tell of a run by its worst interval."""
    main, other = series.values[first:end], companion.series.values[first:end]
    # Floats only look for the worst interval; what is told of it is exact.
    weight = np.abs(main - other) / np.maximum(np.abs(main), 1)
    at = first + int(np.argmax(np.where(main == 0, np.inf, weight)))
    worst = Apart(at, at + 1, int(series.values[at]), Fraction(int(companion.series.values[at])))
    limit, span = parameters.tolerance_pct, (first, end)
    return apart_finding("V21", Severity.HOLD, series, companion, worst, limit, span, FIX)


@dataclass(frozen=True)
class MainCheckDayParameters:
    """How far two meters may lie apart over a day."""

    tolerance_pct: Decimal = param(
        default=Decimal("0.2"),
        unit="%",
        minimum=0,
        help="Largest difference of a local day that passes, in percent of the main meter.",
    )
    coverage_ratio: Decimal = param(
        default=Decimal("0.8"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="A day with fewer intervals of both meters than this share is not judged.",
    )
    min_load_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Days with a mean up to this share of the limit are not compared; 0 without a limit.",
    )


@rules.register("main_check_day@1")
class MainCheckDay(BaseRule):
    """Over every local day, main and check meter lie within 0.2 % of the main meter.

    The intervals that both have are summed; a difference equal to the limit passes.
    """

    code = "V21D"
    title = "Main against check meter, day"
    measures = "Apart from the other meter"
    measured_in = "%"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = MainCheckDayParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that a check meter is missing, where it is."""
        return "" if beside(series, context, Relation.CHECK) else NEEDED

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per local day on which the meters lie too far apart."""
        if not context.circumstances.companions:
            return []
        parameters = context.parameters or MainCheckDayParameters()
        found = []
        for companion in beside(series, context, Relation.CHECK):
            days = days_apart(
                series,
                context,
                companion,
                tolerance=Fraction(parameters.tolerance_pct) / 100,
                coverage=Fraction(parameters.coverage_ratio),
                small=small_micro(series, context, parameters.min_load_ratio),
            )
            for day in days:
                limit, span = parameters.tolerance_pct, (day.first, day.end)
                found.append(
                    apart_finding(
                        "V21D", Severity.HOLD, series, companion[0], day, limit, span, FIX
                    )
                )
        return found
