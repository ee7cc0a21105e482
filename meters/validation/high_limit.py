"""V11 High limit: more than the point or its instrument transformers can carry.

A few readings above the limit are replaced. Where most of a local day is above it nothing is wrong
with single readings but with the scale of all of them: a multiplier applied twice, or Wh for kWh.
No estimate mends that, so such a day is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.transformers import limit_squared_kw2, transformer_limit_micro
from meters.validation._base import (
    ENERGY_UNITS,
    OWN_UNIT,
    POWER_UNITS,
    BaseRule,
    Stage,
    ValidationContext,
    rules,
    runs,
)
from meters.validation._compare import plain
from meters.validation._days import local_days
from meters.validation._limits import capacity_steps
from meters.validation._ranges import finding
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO, from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

#: Wh for kWh, kWh for MWh.
THOUSAND = 1000
#: A factor that leaves a peak below this share of the limit explains nothing.
LEAST_PEAK = Fraction(1, 100)


@dataclass(frozen=True)
class HighLimitParameters:
    """How far above capacity a reading may lie, and what the transformers are rated for."""

    factor: Decimal = param(
        default=Decimal("1.05"),
        unit="ratio",
        minimum=0,
        help="Times the capacity of a generator, store or grid tie.",
    )
    tenant_factor: Decimal = param(
        default=Decimal("1.10"), unit="ratio", minimum=0, help="Times the capacity of a tenant."
    )
    line_v: Decimal = param(
        default=Decimal(0),
        unit="V",
        minimum=0,
        help="Voltage line to line at the meter's transformers; 0: their limit is not judged.",
    )
    primary_a: Decimal = param(
        default=Decimal(0),
        unit="A",
        minimum=0,
        help="Rated primary current of the current transformers.",
    )
    rating_factor: Decimal = param(
        default=Decimal(1),
        unit="ratio",
        minimum=0,
        help="Continuous rating of the current transformers in parts of the rated current.",
    )
    day_ratio: Decimal = param(
        default=Decimal("0.5"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="A local day of which more than this share is above the limit is held: wrong scale.",
    )
    day_intervals: int = param(
        default=8, unit="count", minimum=1, help="Fewer readings above the limit hold no day."
    )

    def __post_init__(self) -> None:
        if bool(self.line_v) != bool(self.primary_a):
            text = "Give line_v and primary_a together, or neither."
            raise Refused("high_limit.transformers", text)


@rules.register("high_limit@1")
class HighLimit(BaseRule):
    """No interval exceeds capacity x factor, nor the limit of the instrument transformers.

    The smallest limit counts. A value equal to the limit passes. While a plant is commissioned in
    steps each step has its own capacity; an interval in which it changes may show the larger one.
    A local day of which more than half is above its limit, and 8 intervals at least, is held as a
    fault of scale or multiplier.
    """

    code = "V11"
    title = "High limit"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.VALUE
    after_estimates = True
    Parameters = HighLimitParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that a limit is missing, where it is."""
        parameters = context.parameters or HighLimitParameters()
        known = series.unit in ENERGY_UNITS | POWER_UNITS and (
            context.capacity_kw is not None
            or context.high_limit_kw is not None
            or context.circumstances.capacities
            or parameters.line_v
        )
        return "" if known else "a capacity of the point or a high limit of the channel"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding per run above the limit in force: ESTIMATE, HOLD for wrong scale."""
        parameters = context.parameters or HighLimitParameters()
        if not series.grid.count or HighLimit.lacks(series, context):
            return []
        highest = int(series.values.max())  # missing lies below every value
        limits = _limits(series, context, parameters)
        if all(highest <= limit for _, _, limit in limits):
            return []
        above = np.zeros(series.grid.count, bool)
        for first, end, limit in limits:
            above[first:end] = series.values[first:end] > limit
        scaled = _wrong_scale(series, context, parameters, above)
        single = above & ~scaled
        found = []
        for first, end, limit in limits:
            for a, b in runs(scaled[first:end]):
                found.append(_scale_finding(series, context, (first + a, first + b), limit))
            for a, b in runs(single[first:end]):
                found.append(_finding(series, (first + a, first + b), limit))
        return found


def _limits(
    series: Series, context: ValidationContext, parameters: HighLimitParameters
) -> list[tuple[int, int, int]]:
    """Return the limits in force in 10^-6 of the unit, the part below cut: it never decides."""
    tenant = context.facts.get("kind") == "TENANT_LOAD"
    factor = Fraction(parameters.tenant_factor if tenant else parameters.factor)
    power = series.unit in POWER_UNITS
    hours = Fraction(1) if power else Fraction(series.grid.minutes, 60)
    fixed = []
    if context.high_limit_kw is not None:
        fixed.append(int(Fraction(context.high_limit_kw) * hours * MICRO // 1))
    if parameters.line_v:
        squared = limit_squared_kw2(
            parameters.line_v, parameters.primary_a, parameters.rating_factor
        )
        fixed.append(transformer_limit_micro(squared, hours))
    found = []
    for first, end, kw in capacity_steps(series, context):
        own = [] if kw is None else [int(Fraction(kw) * factor * hours * MICRO // 1)]
        if fixed or own:
            found.append((first, end, min(fixed + own)))
    return found


def _wrong_scale(
    series: Series,
    context: ValidationContext,
    parameters: HighLimitParameters,
    above: np.ndarray,
) -> np.ndarray:
    """Return the days mostly above the limit, each from its first to its last such reading."""
    days = local_days(series.grid, context.zone)
    counts, there = days.sums(above), days.sums(~series.missing)
    share = Fraction(parameters.day_ratio)
    scaled = np.zeros(series.grid.count, bool)
    for day in np.flatnonzero(counts >= parameters.day_intervals).tolist():
        if int(counts[day]) > share * int(there[day]):
            first, end = days.bounds(day)
            inside = first + np.flatnonzero(above[first:end])
            scaled[inside[0] : inside[-1] + 1] = True
    return scaled & ~series.missing


def _scale_finding(
    series: Series, context: ValidationContext, span: tuple[int, int], limit: int
) -> Finding:
    """Return the finding of a day or more on a wrong scale, with the factor that explains it."""
    values = series.values[slice(*span)]
    peak = int(values.max())
    worst, shown = from_micro(peak), from_micro(limit)
    count = int((values > limit).sum())
    factor = suspected(Fraction(peak, limit) if limit else None, context.facts.get("ratios", ()))
    named = f", as if multiplied by {factor:,f} once too often" if factor else ""
    return finding(
        "V11",
        Severity.HOLD,
        series.grid,
        span,
        f"{count} of {len(values)} readings are above the limit of {shown:,f} {series.unit}, up to "
        f"{worst:,f} {series.unit}{named}: the scale or the multiplier is wrong, not single "
        "readings.",
        "Mend the unit in the import profile or the multiplier of the installation, then read the "
        "file again; accept if the capacity of the point is out of date.",
        worst,
        shown,
        {"scale": "" if factor is None else f"{factor:f}"},
    )


def suspected(times: Fraction | None, ratios: Sequence[Decimal]) -> Decimal | None:
    """Return the factor that was applied once too often: one of the multipliers, or 1,000.

    `times`: how many times the limit the peak is. The nearest by ratio; None where no factor
    brings the peak to between 1 % of the limit and the limit.

    >>> suspected(Fraction(270), [Decimal(400)]), suspected(Fraction(900), [])
    (Decimal('400'), Decimal('1000'))
    >>> suspected(Fraction(3, 2), [Decimal(1)]) is None
    True
    """
    if times is None:
        return None
    fits = [
        each
        for each in (*ratios, Decimal(THOUSAND))
        if each > 1 and LEAST_PEAK <= times / Fraction(each) <= 1
    ]
    return plain(min(fits)) if fits else None


def _finding(series: Series, span: tuple[int, int], limit: int) -> Finding:
    worst = from_micro(int(series.values[slice(*span)].max()))
    shown = from_micro(limit)
    return finding(
        "V11",
        Severity.ESTIMATE,
        series.grid,
        span,
        f"{worst:,f} {series.unit} is above the limit of {shown:,f} {series.unit}.",
        "Check multiplier, capacity and transformer ratio.",
        worst,
        shown,
    )
