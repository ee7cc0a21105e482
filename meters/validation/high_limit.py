"""V11 High limit: more than the point or its instrument transformers can carry."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.calc.transformers import limit_squared_kw2, transformer_limit_micro
from meters.validation._base import (
    ENERGY_UNITS,
    POWER_UNITS,
    BaseRule,
    Stage,
    ValidationContext,
    rules,
    runs,
)
from meters.validation._limits import capacity_steps
from meters.validation._ranges import finding
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO, from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


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

    def __post_init__(self) -> None:
        if bool(self.line_v) != bool(self.primary_a):
            text = "Give line_v and primary_a together, or neither."
            raise Refused("high_limit.transformers", text)


@rules.register("high_limit@1")
class HighLimit(BaseRule):
    """No interval exceeds capacity x factor, nor the limit of the instrument transformers.

    The smallest limit counts. A value equal to the limit passes. While a plant is commissioned in
    steps each step has its own capacity; an interval in which it changes may show the larger one.
    """

    code = "V11"
    title = "High limit"
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
        """Return one finding (ESTIMATE) per run of intervals above the limit in force."""
        parameters = context.parameters or HighLimitParameters()
        if not series.grid.count or HighLimit.lacks(series, context):
            return []
        highest = int(series.values.max())  # missing lies below every value
        found = []
        for first, end, limit in _limits(series, context, parameters):
            if highest > limit:
                above = series.values[first:end] > limit
                found += [_finding(series, (first + a, first + b), limit) for a, b in runs(above)]
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
