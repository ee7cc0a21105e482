"""V16 Stuck value: the same number again and again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from meters.validation._base import (
    ENERGY_UNITS,
    POWER_UNITS,
    BaseRule,
    Stage,
    ValidationContext,
    rules,
)
from meters.validation._compare import number, usable
from meters.validation._ranges import duration, finding, intervals, long_runs, metered
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class StuckParameters:
    """How often a number may repeat."""

    max_repeat: int = param(
        default=6, unit="count", minimum=1, help="Most identical values in a row that pass."
    )
    hold_after_minutes: int = param(
        default=1440,
        unit="min",
        minimum=0,
        help="A longer run is held until a person has looked at it; a shorter one is a warning.",
    )
    min_digits: int = param(
        default=5,
        unit="count",
        minimum=1,
        maximum=18,
        help="Numbers of fewer digits, in the finest step of the source, are not judged: a coarse "
        "source repeats them by nature.",
    )


@rules.register("stuck@1")
class Stuck(BaseRule):
    """No value other than zero occurs more than six times (default) in a row.

    Compared at the full precision of the source: a steady load of 521 pulses repeats, one of
    412.125 kWh does not, so numbers of fewer than five digits (default) are not judged. A load that
    is switched in steps stands level for hours (a commercial building 13 of them, night for night),
    so it is held after a day only. Estimates and substitutes are left out: they may be level.
    """

    code = "V16"
    title = "Stuck value"
    measures = "Same reading in a row"
    measured_in = "times"
    stage = Stage.VALUE
    Parameters = StuckParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that the channel shows neither energy nor power, where it does not."""
        return "" if series.unit in ENERGY_UNITS | POWER_UNITS else "energy or power"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding per run of identical values: WARN, and HOLD when it is very long."""
        parameters = context.parameters or StuckParameters()
        values = series.values
        if Stuck.lacks(series, context) or values.size <= parameters.max_repeat:
            return []
        same = values[1:] == values[:-1]
        spans = long_runs(same, parameters.max_repeat - 1)
        if not spans:
            return []
        good = usable(series, context) & metered(series)
        good &= np.abs(values) >= _step(values[good]) * 10 ** (parameters.min_digits - 1)
        # A run of equal neighbours is one value longer than the pairs it is made of.
        same &= good[1:] & good[:-1]
        return [
            _finding(series, (a, b + 1), parameters)
            for a, b in long_runs(same, parameters.max_repeat - 1)
        ]


def _step(values: np.ndarray) -> int:
    """Return the finest decimal step that values are given in, in 10^-6; zeros have none.

    >>> _step(np.array([412_125_000, 412_000_000, 0]))
    1000
    """
    common, step = int(np.gcd.reduce(values)) if values.size else 0, 1
    while common and not common % (step * 10):
        step *= 10
    return step


def _finding(series: Series, span: tuple[int, int], parameters: StuckParameters) -> Finding:
    times, minutes = span[1] - span[0], series.grid.minutes
    long = times * minutes > parameters.hold_after_minutes
    usual = parameters.max_repeat
    allowed = max(usual, parameters.hold_after_minutes // minutes) if long else usual
    return finding(
        "V16",
        Severity.HOLD if long else Severity.WARN,
        series.grid,
        span,
        f"{number(int(series.values[span[0]])):,f} {series.unit} stands {times} times in a row, "
        f"{duration(times * minutes)} ({intervals(allowed, minutes)} "
        f"{'only warn' if long and allowed > usual else 'pass'}): the meter or the link may be "
        "stuck.",
        "Compare with the check meter or read the meter again, then accept or edit.",
        Decimal(times),
        Decimal(allowed),
    )
