"""V25 High or low usage: the average day of a period against that of an earlier one (vee.md 3.7).

``ADU = total / hours x 24`` with real elapsed hours (721 in a New York November). Compared with the
same period of the year before if 80 % of it was measured, else with the period just before.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.calc.circumstances import PastPeriod
from meters.validation._base import (
    ENERGY_UNITS,
    BaseRule,
    Stage,
    ValidationContext,
    limit_micro,
    rules,
)
from meters.validation._compare import cleared, plain, quotient
from meters.validation._ranges import finding
from poweroptix.kernel import exact
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import quantity
from poweroptix.kernel.series import Series

UNITS = ENERGY_UNITS | {"MMBtu"}
NEEDED = "an earlier period with energy to compare with"


@dataclass(frozen=True)
class UsageParameters:
    """Between which multiples of the earlier average day a period may lie."""

    low_ratio: Decimal = param(
        default=Decimal("0.5"), unit="ratio", minimum=0, help="Smallest multiple that passes."
    )
    high_ratio: Decimal = param(
        default=Decimal("1.5"), unit="ratio", minimum=0, help="Largest multiple that passes."
    )
    min_valid_ratio: Decimal = param(
        default=Decimal("0.8"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="The year before is compared if at least this share of it was measured.",
    )
    min_load_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Average days up to this share of the limit are not compared; 0 without a limit.",
    )


@rules.register("usage@1")
class Usage(BaseRule):
    """The average day of a period is 0.5 to 1.5 times that of an earlier period.

    A multiple equal to a limit passes. Hours without a value count neither way. A site that ramps
    up needs limits of its own, or the rule off for its first 90 days.
    """

    code = "V25"
    title = "High or low usage"
    measures = "Usage of an average day against before"
    measured_in = "times"
    stage = Stage.PERIOD
    Parameters = UsageParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that energy or an earlier period is missing, where it is."""
        if series.unit not in UNITS:
            return "a channel of energy"
        parameters = context.parameters or UsageParameters()
        return "" if _earlier(context, parameters) is not None else NEEDED

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) over the period, or none."""
        parameters = context.parameters or UsageParameters()
        before = _earlier(context, parameters)
        present = ~series.missing
        count = int(present.sum())
        if before is None or not count or series.unit not in UNITS:
            return []
        total = Fraction(exact.total(cleared(series.values, present)), MICRO)
        now = average_day(total, Fraction(count * series.grid.minutes, 60))
        then = average_day(before.total, before.hours)
        if max(abs(now), abs(then)) <= _small(series, context, parameters):
            return []
        ratio = now / then
        low, high = Fraction(parameters.low_ratio), Fraction(parameters.high_ratio)
        if low <= ratio <= high:
            return []
        limit = parameters.low_ratio if ratio < low else parameters.high_ratio
        unit, shown, earlier = series.unit, plain(quantity(now)), plain(quantity(then))
        return [
            finding(
                "V25",
                Severity.WARN,
                series.grid,
                (0, series.grid.count),
                f"An average day has {shown:,f} {unit}, in {before.name} it had {earlier:,f} "
                f"{unit}: {plain(ratio):,f} times as much (limits "
                f"{parameters.low_ratio:,f} to {parameters.high_ratio:,f}).",
                "Confirm the change with whoever runs the site, or check multiplier and data.",
                quotient(ratio),
                limit,
                {"compared_with": before.name},
            )
        ]


def average_day(total: Decimal | Fraction, hours: Decimal | Fraction) -> Fraction:
    """Return the energy of an average day of 24 hours.

    >>> average_day(Decimal(9360000), Decimal(720))
    Fraction(312000, 1)
    """
    return Fraction(total) / Fraction(hours) * 24


def _earlier(context: ValidationContext, parameters: UsageParameters) -> PastPeriod | None:
    """Return the period to compare with; one without energy gives no multiple."""
    around = context.circumstances
    year_ago, previous = around.year_ago, around.previous
    if year_ago is not None and year_ago.valid_ratio < parameters.min_valid_ratio:
        year_ago = None
    return next((each for each in (year_ago, previous) if each and each.total and each.hours), None)


def _small(series: Series, context: ValidationContext, parameters: UsageParameters) -> Fraction:
    """Return up to which average day nothing is compared, in the unit of the series."""
    limit = limit_micro(series, context)
    if limit is None:
        return Fraction(0)
    per_day = Fraction(24 * 60, series.grid.minutes)
    return limit * per_day * Fraction(parameters.min_load_ratio) / MICRO
