"""V10 Pulse overflow: the recorder's counter was full before the interval ended."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import plain
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class PulseOverflowParameters:
    """How far the counter of an interval counts."""

    bits: int = param(
        default=16,
        unit="count",
        minimum=8,
        maximum=32,
        help="Width of the counter: 16 bits hold 65535 pulses.",
    )


@rules.register("pulse_overflow@1")
class PulseOverflow(BaseRule):
    """The pulses of an interval stay below what the counter holds.

    Reaching the ceiling fails: a full counter does not say how many pulses it missed. Judges the
    readings as delivered; energy counts as pulses by the pulse weight.
    """

    code = "V10"
    title = "Pulse overflow"
    measures = "Pulses in one interval"
    stage = Stage.DEVICE
    Parameters = PulseOverflowParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return which of the readings as delivered and the pulse weight is not known."""
        raw = context.circumstances.raw
        if raw is None:
            return "the readings as delivered, before multipliers"
        return "" if _weight(raw, context) else "the pulse weight of the meter"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (ESTIMATE) per run of intervals with a full counter."""
        raw = context.circumstances.raw
        weight = _weight(raw, context) if raw is not None else None
        if raw is None or weight is None:
            return []
        parameters = context.parameters or PulseOverflowParameters()
        ceiling = 2**parameters.bits - 1
        full = -(-ceiling * weight * MICRO // 1)  # the least 10^-6 that reaches the ceiling
        if full > _LARGEST:
            return []
        found = []
        for a, b in runs((raw.values >= int(full)) & ~series.missing):
            pulses = plain(Fraction(int(raw.values[a:b].max()), MICRO) / weight)
            found.append(
                finding(
                    "V10",
                    Severity.ESTIMATE,
                    series.grid,
                    (a, b),
                    f"{pulses:,f} pulses in one interval: the counter holds at most {ceiling:,}, "
                    "so pulses were lost.",
                    "Choose a larger pulse weight or a shorter interval in the recorder.",
                    pulses,
                    Decimal(ceiling),
                )
            )
        return found


def _weight(raw: Series, context: ValidationContext) -> Fraction | None:
    """Return what one pulse adds to a delivered reading; None when unknown."""
    if raw.unit == "count":
        return Fraction(1)
    weight = context.circumstances.pulse_weight
    return Fraction(weight) if weight else None
