"""V05 Missing sibling channel: energy arrived, the reactive energy of the same meter did not."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from meters.calc.circumstances import Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._ranges import NoParameters, finding, intervals
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("sibling@1")
class Sibling(BaseRule):
    """Where kWh arrived, kVArh of the same point and direction arrived too.

    Judges the kWh channel, on the intervals that are due. One of several reactive channels is
    enough. Off by default: many points have reactive channels that nobody bills.
    """

    code = "V05"
    title = "Missing sibling channel"
    measures = "Intervals without a value"
    stage = Stage.STRUCTURE
    default_on = False
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that it is no kWh channel, or has no reactive one beside it."""
        if series.unit != "kWh":
            return "active energy in kWh"
        siblings = context.circumstances.beside(Relation.REACTIVE)
        return "" if siblings else "a kVArh channel of the same point"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals with kWh and without kVArh."""
        siblings = context.circumstances.beside(Relation.REACTIVE)
        if series.unit != "kWh" or not siblings:
            return []
        absent = ~series.missing & _due(series, context)
        for sibling in siblings:
            absent &= sibling.series.missing
        codes = ", ".join(sibling.code for sibling in siblings)
        return [
            finding(
                "V05",
                Severity.WARN,
                series.grid,
                (a, b),
                f"kWh arrived, but {codes} has no value: {intervals(b - a, series.grid.minutes)}.",
                "Ask the source for the reactive channel.",
                Decimal(b - a),
                Decimal(0),
            )
            for a, b in runs(absent)
        ]


def _due(series: Series, context: ValidationContext) -> np.ndarray:
    """Return where readings are due; everywhere when nothing is said about it."""
    due = np.ones(series.grid.count, dtype=bool)
    if context.expected is not None:
        first = (context.expected.start_minute - series.grid.start_minute) // series.grid.minutes
        due[: max(0, first)] = False
        due[max(0, first + context.expected.count) :] = False
    return due
