"""V15 Zero run: a load that should never rest shows zero for hours."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from meters.calc.circumstances import Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._compare import trusted
from meters.validation._ranges import LOAD_KINDS, duration, finding, long_runs, without_power
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ZeroRunParameters:
    """How long a load may show zero."""

    warn_after_minutes: int = param(
        default=120,
        unit="min",
        minimum=0,
        help="Longest run of zeros of a load that passes; 120 are 8 intervals of 15 minutes.",
    )
    hold_after_minutes: int = param(
        default=1440,
        unit="min",
        minimum=0,
        help="A longer run is held until a person has looked at it.",
    )

    def __post_init__(self) -> None:
        if self.hold_after_minutes < self.warn_after_minutes:
            text = "hold_after_minutes must not be shorter than warn_after_minutes."
            raise Refused("zero_run.order", text)


@rules.register("zero_run@1")
class ZeroRun(BaseRule):
    """The delivered energy of a load is never zero for more than two hours (default) in a row.

    A known outage, the flag POWER_FAIL and a point out of service excuse, and so does energy that
    the load gives at the same time (its own panels); a missing interval ends a run. Generators,
    stores and ties may rest and are not judged.
    """

    code = "V15"
    title = "Zero run"
    measures = "Zero in a row"
    measured_in = "min"
    stage = Stage.VALUE
    after_estimates = True
    Parameters = ZeroRunParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that the kind of the point is unknown, or that it is not a load's energy."""
        if not context.facts.get("kind"):
            return "the kind of the point"
        return "" if _applies(series, context) else "the energy that a load takes"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding per long run of zeros: WARN, and HOLD when it is very long."""
        parameters = context.parameters or ZeroRunParameters()
        if ZeroRun.lacks(series, context) or context.circumstances.active is False:
            return []
        minutes = series.grid.minutes
        zero = series.values == 0
        if not zero.any():
            return []
        zero &= ~without_power(series, context)
        for other in context.circumstances.beside(Relation.RETURNED):
            zero &= ~(trusted(other.series) & (other.series.values > 0))
        found = []
        for a, b in long_runs(zero, parameters.warn_after_minutes // minutes):
            length = (b - a) * minutes
            long = length > parameters.hold_after_minutes
            allowed = parameters.hold_after_minutes if long else parameters.warn_after_minutes
            found.append(
                finding(
                    "V15",
                    Severity.HOLD if long else Severity.WARN,
                    series.grid,
                    (a, b),
                    f"Zero for {duration(length)} in a row, and no outage is known "
                    f"({duration(allowed)} pass).",
                    "Enter the outage, or have the meter looked at.",
                    Decimal(length),
                    Decimal(allowed),
                )
            )
        return found


def _applies(series: Series, context: ValidationContext) -> bool:
    """Return whether the channel is what a load takes."""
    return (
        series.unit in ("kWh", "kW")
        and context.facts.get("kind") in LOAD_KINDS
        and context.direction == "DELIVERED"
    )
