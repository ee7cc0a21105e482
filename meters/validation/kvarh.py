"""V17 kVArh without kWh: reactive energy flows where no active energy is counted."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from meters.calc.circumstances import Relation
from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import number, usable
from meters.validation._ranges import LOAD_KINDS, finding, without_power
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO, MISSING
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class KvarhParameters:
    """How much reactive energy is noise."""

    min_kvarh: Decimal = param(
        default=Decimal(0),
        unit="kVArh",
        minimum=0,
        help="Reactive energy of an interval up to this passes without active energy.",
    )


@rules.register("kvarh@1")
class Kvarh(BaseRule):
    """Where a load takes reactive energy it takes active energy too.

    Judges the kWh channel of a load: a lost voltage or a current circuit wired the wrong way shows
    so. Generators and ties are not judged: at rest they hold the voltage with reactive power alone.
    """

    code = "V17"
    title = "kVArh without kWh"
    measures = "Reactive energy without active"
    measured_in = OWN_UNIT
    stage = Stage.VALUE
    after_estimates = True
    Parameters = KvarhParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that it is not a load's energy, or has no reactive channel beside it."""
        if not context.facts.get("kind"):
            return "the kind of the point"
        if not _applies(series, context):
            return "the energy that a load takes, in kWh"
        reactive = context.circumstances.beside(Relation.REACTIVE)
        return "" if reactive else "a kVArh channel of the same point"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of intervals with kVArh and no kWh."""
        parameters = context.parameters or KvarhParameters()
        reactive = context.circumstances.beside(Relation.REACTIVE)
        if Kvarh.lacks(series, context):
            return []
        zero = (series.values == 0) & usable(series, context)
        if not zero.any():
            return []
        zero &= ~without_power(series, context)
        noise = int(parameters.min_kvarh * MICRO)
        most = np.full(series.grid.count, MISSING, dtype=np.int64)
        for each in reactive:
            np.maximum(most, each.series.values, out=most)
        found = []
        for a, b in runs(zero & (most > noise)):
            worst = number(int(most[a:b].max()))
            found.append(
                finding(
                    "V17",
                    Severity.HOLD,
                    series.grid,
                    (a, b),
                    f"{worst:,f} kVArh without any kWh ({parameters.min_kvarh:,f} kVArh pass).",
                    "Check the voltages and the wiring of the meter.",
                    worst,
                    parameters.min_kvarh,
                )
            )
        return found


def _applies(series: Series, context: ValidationContext) -> bool:
    """Return whether the channel is the energy that a load takes."""
    return (
        series.unit == "kWh"
        and context.direction == "DELIVERED"
        and context.facts.get("kind") in LOAD_KINDS
    )
