"""V24 Must-run units: the output of a reactor changes no faster than the unit can (vee.md 3.6)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from meters.validation._base import BaseRule, Stage, ValidationContext, instant, rules, runs
from meters.validation._compare import interval_micro, plain, usable
from meters.validation._plant import makes_power, wanting
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("ramp@1")
class Ramp(BaseRule):
    """From one interval to the next, mean power changes by at most ramp limit x interval length.

    Meant for must-run units such as an SMR; judged is every unit with a ramp limit. A change equal
    to the limit passes. A trip is faster than any ramp, so this warns.
    """

    code = "V24J"
    title = "Ramp of a must-run unit"
    measures = "Change of mean power"
    measured_in = "kW"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of output and ramp limit."""
        if not makes_power(series, context):
            return "the output of a generator"
        ramp = context.circumstances.plant.ramp_kw_per_minute
        return wanting((ramp, "the ramp limit of the unit"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals entered too fast."""
        if series.grid.count < 2 or not makes_power(series, context):
            return []
        ramp = context.circumstances.plant.ramp_kw_per_minute
        if ramp is None:
            return []
        present = usable(series, context)
        step = np.abs(np.diff(np.where(present, series.values, 0)))
        most_kw = Fraction(ramp) * series.grid.minutes
        limit = interval_micro(series, most_kw)
        bad = np.zeros(series.grid.count, dtype=bool)
        bad[1:] = (step > int(limit // 1)) & present[1:] & present[:-1]
        found = []
        for a, b in runs(bad):
            change_kw = Fraction(int(step[a - 1 : b - 1].max())) / interval_micro(
                series, Fraction(1)
            )
            found.append(
                Finding(
                    "V24J",
                    f"Mean power changed by {plain(change_kw):,f} kW from one interval of "
                    f"{series.grid.minutes} minutes to the next; the unit can change by "
                    f"{plain(most_kw):,f} kW.",
                    Severity.WARN,
                    metric=plain(change_kw),
                    threshold=plain(most_kw),
                    start_utc=instant(series.grid, a),
                    end_utc=instant(series.grid, b),
                    fix="Confirm the trip or start, or compare with the control system.",
                )
            )
        return found
