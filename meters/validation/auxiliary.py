"""V24 Gross and auxiliaries: a unit uses less than it makes, and makes nothing when cut off."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Companion, Relation
from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules
from meters.validation._compare import number, trusted, usable
from meters.validation._plant import (
    first,
    kind,
    makes_power,
    run_findings,
    stands_still,
    technology,
    wanting,
)
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("auxiliary_above_gross@1")
class AuxiliaryAboveGross(BaseRule):
    """A unit that is on uses no more for itself than it makes.

    Judged is the channel of the auxiliaries beside gross generation. The unit is on where its
    breaker or state says so; without that, where gross generation is above zero in an interval and
    its neighbours (a unit that starts inside an interval is not on). The same amount passes.
    """

    code = "V24K"
    title = "Auxiliaries above gross generation"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of auxiliaries and gross generation."""
        if not _is_auxiliary(context):
            return "the auxiliaries of a generator"
        gross = _gross(series, context)
        return wanting((gross, "the gross generation of the unit on the same intervals"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals in which more is used than made."""
        if not _is_auxiliary(context):
            return []
        gross = _gross(series, context)
        if gross is None:
            return []
        made = gross.series
        bad = _is_on(series, context, made) & (series.values > made.values)
        bad &= trusted(made) & usable(series, context)
        return run_findings(
            "V24K",
            series,
            bad,
            lambda most, a, b: (
                f"The auxiliaries use up to {most:,f} {series.unit} while {gross.code} makes at "
                f"least {number(int(made.values[a:b].min())):,f} {series.unit}."
            ),
            None,
            Severity.HOLD,
            "Check whether the channels are swapped, and the multipliers of both.",
        )


def _is_auxiliary(context: ValidationContext) -> bool:
    return kind(context) == "GENERATOR_AUX" and context.direction != "RECEIVED"


def _gross(series: Series, context: ValidationContext) -> Companion | None:
    found = first(series, context, Relation.GROSS)
    return found if found is not None and found.series.unit == series.unit else None


def _is_on(series: Series, context: ValidationContext, made: Series) -> np.ndarray:
    """Return where the unit is on."""
    running = first(series, context, Relation.RUNNING)
    if running is not None:
        return (running.series.values != 0) & trusted(running.series)
    makes = made.values > 0
    on = makes.copy()
    on[1:] &= makes[:-1]
    on[:-1] &= makes[1:]
    return on


@rules.register("breaker_open@1")
class BreakerOpen(BaseRule):
    """While its breaker is open, a generator shows no energy.

    Wind plants have a rule of their own (stopped turbines).
    """

    code = "V24L"
    title = "Generation with the breaker open"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of output and breaker."""
        if not makes_power(series, context) or technology(context) == "WIND":
            return "the output of a generator with a breaker"
        return wanting((first(series, context, Relation.RUNNING), "the state of its breaker"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals with energy through an open breaker."""
        if not makes_power(series, context) or technology(context) == "WIND":
            return []
        running = first(series, context, Relation.RUNNING)
        if running is None:
            return []
        bad = (series.values > 0) & stands_still(series, context, running)
        return run_findings(
            "V24L",
            series,
            bad,
            lambda most, a, b: (
                f"{most:,f} {series.unit} while {running.code} shows the breaker open."
            ),
            Fraction(0),
            Severity.HOLD,
            "Check the breaker state, and whether the meter belongs to this unit.",
        )
