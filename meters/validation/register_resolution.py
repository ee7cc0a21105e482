"""V20R Register resolution: steps fine enough for a sum check to prove something (vee.md 3.5).

A sum check lets two steps of the register pass. With CT x PT = 48,000 and whole units those are
96,000 kWh, and nearly everything passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.validation._base import (
    ENERGY_UNITS,
    OWN_UNIT,
    BaseRule,
    Stage,
    ValidationContext,
    limit_micro,
    rules,
)
from meters.validation._compare import cleared, plain
from meters.validation._ranges import finding
from poweroptix.kernel import exact
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import quantity
from poweroptix.kernel.series import Series

DAY_MINUTES = 1440
NEEDED = "two exact reads of a register and energy beside them"


@dataclass(frozen=True)
class RegisterResolutionParameters:
    """How coarse a register may be."""

    units: int = param(
        default=2, unit="count", minimum=1, help="Steps of the register that the sum check allows."
    )
    share_ratio: Decimal = param(
        default=Decimal("0.005"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Largest share of an average day that those steps may be.",
    )
    min_load_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Average days up to this share of the limit are not judged; 0 without a limit.",
    )


@rules.register("register_resolution@1")
class RegisterResolution(BaseRule):
    """Two steps of a register are at most 0.5 % of an average day of the period.

    A step is the last transmitted digit times the multiplier, so decimals mend it. Steps equal to
    the limit pass. Time-of-use registers are left to the total one.
    """

    code = "V20R"
    title = "Register too coarse for a sum check"
    measures = "Steps of the register"
    measured_in = OWN_UNIT
    stage = Stage.PERIOD
    Parameters = RegisterResolutionParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that register reads or energy are missing, where they are."""
        known = series.unit in ENERGY_UNITS and _step(context) is not None
        return "" if known and not series.missing.all() else NEEDED

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) over the period, told by its coarsest register, or none."""
        step = _step(context)
        if step is None or RegisterResolution.lacks(series, context):
            return []
        parameters = context.parameters or RegisterResolutionParameters()
        steps = Fraction(step) * parameters.units
        day = _average_day(series)
        most = day * Fraction(parameters.share_ratio)
        limit = limit_micro(series, context) or Fraction(0)
        per_day = Fraction(DAY_MINUTES, series.grid.minutes) / MICRO
        small = limit * per_day * Fraction(parameters.min_load_ratio)
        if day <= small or steps <= most:
            return []
        unit, share = series.unit, plain(Fraction(parameters.share_ratio) * 100)
        return [
            finding(
                "V20R",
                Severity.WARN,
                series.grid,
                (0, series.grid.count),
                f"{parameters.units} steps of the register are {plain(steps):f} {unit}, above "
                f"{share:f} % of an average day ({plain(quantity(most)):f} {unit}): its sum check "
                "proves little.",
                "Have the register sent with decimals.",
                plain(steps),
                quantity(most),
            )
        ]


def _step(context: ValidationContext) -> Decimal | None:
    """Return the coarsest step of the total registers, as energy; None without reads."""
    totals = (each for each in context.circumstances.registers if not each.bucket)
    return max((each.unit_energy for each in totals), default=None)


def _average_day(series: Series) -> Fraction:
    """Return the energy of an average day of the readings that are there, either way counted."""
    present = ~series.missing
    total = Fraction(exact.total(abs(cleared(series.values, present))), MICRO)
    return total * Fraction(DAY_MINUTES, int(present.sum()) * series.grid.minutes)
