"""V20 Sum check: intervals against the register that counted the same energy (vee.md 3.5).

``|S - R| <= units x unit + share x R + P_avg x skew / 3600``: S the sum of the intervals between
two exact reads, R the advance of the register, unit its last transmitted digit x multiplier, P_avg
the mean power between the reads. V20T compares the time-of-use registers with the total one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from meters.calc.circumstances import RegisterAdvance
from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, instant, rules
from meters.validation._compare import number, plain, usable
from meters.validation._registers import edges
from poweroptix.kernel import exact
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import EXACT, MICRO, exact_sum
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

_SECOND = timedelta(seconds=1)
_MICRO = Decimal(MICRO)


@dataclass(frozen=True)
class SumCheckParameters:
    """How far intervals and register may lie apart."""

    units: int = param(
        default=2,
        unit="count",
        minimum=0,
        help="Allowed steps of the register's last digit, each times the multiplier.",
    )
    share_ratio: Decimal = param(
        default=Decimal(0),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Allowed besides: this share of what the register advanced.",
    )


def tolerance(
    advance: RegisterAdvance, parameters: SumCheckParameters, skew_s: int | None = None
) -> Fraction:
    """Return what may lie between intervals and register, in the unit of the channel.

    `skew_s` replaces the seconds of the advance.

    >>> from datetime import UTC
    >>> day = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    >>> read = RegisterAdvance(*day, Decimal(72000), Decimal(400), skew_s=60)
    >>> tolerance(read, SumCheckParameters())
    Fraction(850, 1)
    """
    energy = abs(Fraction(advance.energy))
    seconds = (advance.end_utc - advance.start_utc) // _SECOND
    skew = advance.skew_s if skew_s is None else skew_s
    drifted = energy * skew / seconds if seconds else Fraction(0)
    steps = Fraction(advance.unit_energy) * parameters.units
    return steps + energy * Fraction(parameters.share_ratio) + drifted


@rules.register("sum_check@1")
class SumCheck(BaseRule):
    """The intervals between two exact register reads sum to what the register advanced.

    Allowed are two steps of the register and what flowed while the reads missed the edges of the
    intervals. A difference equal to that passes. An advance is judged where all intervals between
    its reads are in the range and have a value; estimates count once they are made.
    """

    code = "V20"
    title = "Sum check"
    measures = "Apart from the register"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    looks_back = True
    Parameters = SumCheckParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that two exact register reads are missing, where they are."""
        if any(not each.bucket for each in context.circumstances.registers):
            return ""
        return "two exact reads of a register that enclose readings of the range"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per advance that the intervals do not meet."""
        totals = [each for each in context.circumstances.registers if not each.bucket]
        if not totals:
            return []
        parameters = context.parameters or SumCheckParameters()
        whole = usable(series, context)
        found = []
        for advance in totals:
            first, end, missed_s = edges(series.grid, advance)
            if not 0 <= first < end <= series.grid.count or not whole[first:end].all():
                continue
            counted = exact.total(series.values[first:end])
            apart = abs(EXACT.subtract(Decimal(counted), EXACT.multiply(advance.energy, _MICRO)))
            if apart <= EXACT.multiply(advance.unit_energy, parameters.units * _MICRO):
                continue  # nearly all are: the rest of the tolerance is never below zero
            allowed = tolerance(advance, parameters, max(advance.skew_s, missed_s)) * MICRO
            if apart > allowed:
                found.append(_finding(series, advance, counted, Fraction(apart), allowed))
        return found


def _finding(
    series: Series, advance: RegisterAdvance, counted: int, apart: Fraction, allowed: Fraction
) -> Finding:
    unit, grid = series.unit, series.grid
    first, end, _ = edges(grid, advance)
    around = " over zero" if advance.rolled_over else ""
    return Finding(
        "V20",
        f"The intervals sum to {number(counted):,f} {unit}, the register advanced{around} by "
        f"{plain(advance.energy):,f} {unit}: {number(apart):,f} {unit} apart, allowed are "
        f"{number(allowed):,f} {unit}.",
        Severity.HOLD,
        metric=number(apart),
        threshold=number(allowed),
        start_utc=instant(grid, first),
        end_utc=instant(grid, end),
        fix="Compare multiplier, register reads and missing or doubled intervals.",
    )


@dataclass(frozen=True)
class TouRegistersParameters:
    """How far time-of-use registers and the total register may lie apart."""

    units: int = param(
        default=2,
        unit="count",
        minimum=0,
        help="Allowed steps of the total register; at least one per time-of-use register.",
    )


@rules.register("tou_registers@1")
class TouRegisters(BaseRule):
    """The time-of-use registers of a meter advance together by as much as its total register.

    Each register drops what is below its last digit, so one step of each is allowed, and never
    less than two of the total register. A difference equal to that passes.
    """

    code = "V20T"
    title = "Time-of-use registers against the total"
    measures = "Registers apart"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    Parameters = TouRegistersParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return which registers are missing, where they are."""
        return "" if _pairs(context) else "a total and time-of-use registers read together"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per pair of reads whose registers disagree."""
        if not context.circumstances.registers:
            return []
        parameters = context.parameters or TouRegistersParameters()
        found = []
        for total, parts in _pairs(context):
            together = exact_sum([part.energy for part in parts])
            apart = abs(EXACT.subtract(together, total.energy))
            steps = exact_sum([part.unit_energy for part in parts])
            allowed = max(EXACT.multiply(total.unit_energy, Decimal(parameters.units)), steps)
            if apart <= allowed:
                continue
            first, end, _ = edges(series.grid, total)
            first, end = max(first, 0), min(end, series.grid.count)
            if first >= end:
                continue
            names = ", ".join(part.bucket for part in parts)
            found.append(
                Finding(
                    "V20T",
                    f"The registers {names} advanced together by {plain(together):,f} "
                    f"{series.unit}, the total register by {plain(total.energy):,f} "
                    f"{series.unit}: {plain(apart):,f} {series.unit} apart, allowed are "
                    f"{plain(allowed):,f} {series.unit}.",
                    Severity.HOLD,
                    metric=plain(apart),
                    threshold=plain(allowed),
                    start_utc=instant(series.grid, first),
                    end_utc=instant(series.grid, end),
                    fix="Compare the reads of all registers and the meter's tariff schedule.",
                )
            )
        return found


def _pairs(
    context: ValidationContext,
) -> list[tuple[RegisterAdvance, Sequence[RegisterAdvance]]]:
    """Return each total register with the time-of-use registers read at the same instants."""
    together: dict[tuple[datetime, datetime], list[RegisterAdvance]] = defaultdict(list)
    for each in context.circumstances.registers:
        together[each.start_utc, each.end_utc].append(each)
    found = []
    for group in together.values():
        parts = [each for each in group if each.bucket]
        found += [(each, parts) for each in group if parts and not each.bucket]
    return found
