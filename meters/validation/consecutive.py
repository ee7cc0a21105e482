"""V14 Consecutive tolerance: a jump from one interval to the next."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import above, number, quotient, usable
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ConsecutiveParameters:
    """How far one interval may lie from the one before."""

    tolerance_pct: Decimal = param(
        default=Decimal(50),
        unit="%",
        minimum=0,
        help="Largest change from the last valid interval that passes, in % of that interval.",
    )


@rules.register("consecutive@1")
class Consecutive(BaseRule):
    """No interval differs from the last valid one by more than 50 % (default) of it.

    Missing and failed intervals are left out; after a zero nothing is judged. Off by default: it
    suits a steady load, not a plant that starts and stops.
    """

    code = "V14"
    title = "Consecutive tolerance"
    measures = "Change"
    measured_in = "%"
    stage = Stage.VALUE
    default_on = False
    Parameters = ConsecutiveParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals that jump."""
        parameters = context.parameters or ConsecutiveParameters()
        rows = np.flatnonzero(usable(series, context))
        values = series.values[rows]
        before = np.abs(values[:-1])
        jump = np.abs(np.diff(values))
        far = above(jump, Fraction(parameters.tolerance_pct) / 100, before) & (before > 0)
        if not far.any():
            return []
        flagged = np.zeros(series.grid.count, dtype=bool)
        flagged[rows[1:][far]] = True
        place = np.zeros(series.grid.count, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        return [
            _finding(series, values, place[a:b], (a, b), parameters.tolerance_pct)
            for a, b in runs(flagged)
        ]


def _finding(
    series: Series,
    values: np.ndarray,
    places: np.ndarray,
    span: tuple[int, int],
    tolerance_pct: Decimal,
) -> Finding:
    """Return the finding of one run; `places` are its positions among the valid values."""
    # Floats only choose which jump is shown; the shown one is exact.
    before, after = values[places - 1].astype(float), values[places].astype(float)
    at = int(places[int(np.argmax(np.abs(after - before) / np.abs(before)))])
    old, new = int(values[at - 1]), int(values[at])
    percent = quotient(Fraction(abs(new - old) * 100, abs(old)))
    return finding(
        "V14",
        Severity.WARN,
        series.grid,
        span,
        f"{number(new):,f} {series.unit} after {number(old):,f} {series.unit}: a change of "
        f"{percent:.2f} % ({tolerance_pct:,f} % are usual at most).",
        "Accept it when the load changed, or compare with the check meter.",
        percent,
        tolerance_pct,
    )
