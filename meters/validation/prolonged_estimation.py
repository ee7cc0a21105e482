"""V27 Prolonged estimation: how much of a period was estimated, and for how long (vee.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import above, plain, quotient
from meters.validation._days import local_days
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

FIX = "Send somebody to the meter, or agree with the customer on the estimates."


def estimated(series: Series) -> np.ndarray:
    """Return where a reading is an estimate, or one that became final as a substitute."""
    return (series.status == Status.ESTIMATED) | (series.status == Status.SUBSTITUTED_FINAL)


@dataclass(frozen=True)
class ProlongedEstimationParameters:
    """How much may be estimated."""

    share_pct: Decimal = param(
        default=Decimal("5"),
        unit="%",
        minimum=0,
        maximum=100,
        help="Largest share of the intervals of a period that may be estimated.",
    )


@rules.register("prolonged_estimation@1")
class ProlongedEstimation(BaseRule):
    """At most 5 % of the intervals of a period are estimated; exactly 5 % pass."""

    code = "V27"
    title = "Prolonged estimation, share"
    measures = "Estimated intervals"
    measured_in = "%"
    stage = Stage.PERIOD
    Parameters = ProlongedEstimationParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) over the period, or none."""
        parameters = context.parameters or ProlongedEstimationParameters()
        count, whole = int(estimated(series).sum()), series.grid.count
        if not count or Fraction(count * 100, whole) <= Fraction(parameters.share_pct):
            return []
        share = Fraction(count * 100, whole)
        return [
            finding(
                "V27",
                Severity.WARN,
                series.grid,
                (0, whole),
                f"{count} of {whole} intervals are estimated: {plain(share):,f} % (limit "
                f"{parameters.share_pct:,f} %).",
                FIX,
                quotient(share),
                parameters.share_pct,
            )
        ]


@dataclass(frozen=True)
class EstimatedDaysParameters:
    """For how long may be estimated."""

    days: int = param(
        default=3, unit="days", minimum=0, help="More estimated days in a row are too many."
    )
    day_ratio: Decimal = param(
        default=Decimal("0.5"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="A day counts when more than this share of its intervals is estimated.",
    )


@rules.register("estimated_days@1")
class EstimatedDays(BaseRule):
    """At most 3 local days in a row are estimated; a day counts with more than half of it."""

    code = "V27D"
    title = "Prolonged estimation, days in a row"
    measures = "Days estimated in a row"
    measured_in = "days"
    stage = Stage.PERIOD
    Parameters = EstimatedDaysParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of days that is too long."""
        parameters = context.parameters or EstimatedDaysParameters()
        made_up = estimated(series)
        if not made_up.any():
            return []
        days = local_days(series.grid, context.zone)
        counted = above(days.sums(made_up), Fraction(parameters.day_ratio), days.counts)
        found = []
        for a, b in runs(counted):
            if b - a <= parameters.days:
                continue
            found.append(
                finding(
                    "V27D",
                    Severity.WARN,
                    series.grid,
                    days.span(a, b),
                    f"{b - a} days in a row are estimated, {days.date(a).isoformat()} to "
                    f"{days.date(b - 1).isoformat()} (limit {parameters.days} days).",
                    FIX,
                    Decimal(b - a),
                    Decimal(parameters.days),
                )
            )
        return found
