"""V11 High limit: more than the point or its instrument transformers can carry."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from meters.validation._base import (
    BaseRule,
    Stage,
    ValidationContext,
    instant,
    limit_micro,
    rules,
    runs,
)
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class HighLimitParameters:
    """How far above capacity a reading may lie."""

    factor: Decimal = param(
        default=Decimal("1.05"),
        unit="ratio",
        minimum=0,
        help="Times the capacity of a generator, store or grid tie.",
    )
    tenant_factor: Decimal = param(
        default=Decimal("1.10"), unit="ratio", minimum=0, help="Times the capacity of a tenant."
    )


@rules.register("high_limit@1")
class HighLimit(BaseRule):
    """No interval exceeds capacity x factor, nor the limit of the instrument transformers.

    The smaller limit counts. A value equal to the limit passes. Without a limit the rule does not
    apply.
    """

    code = "V11"
    title = "High limit"
    stage = Stage.VALUE
    after_estimates = True
    Parameters = HighLimitParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that a limit is missing, where it is."""
        if limit_micro(series, context) is None:
            return "a capacity of the point or a high limit of the channel"
        return ""

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (ESTIMATE) per run of intervals above the limit."""
        parameters = context.parameters or HighLimitParameters()
        tenant = context.facts.get("kind") == "TENANT_LOAD"
        factor = parameters.tenant_factor if tenant else parameters.factor
        limit = limit_micro(series, context, factor)
        if limit is None:
            return []
        found = []
        whole = limit // 1  # an integer exceeds the limit exactly when it exceeds its floor
        for a, b in runs((series.values > int(whole)) & ~series.missing):
            worst = from_micro(int(series.values[a:b].max()))
            shown = _shown(limit)
            found.append(
                Finding(
                    "V11",
                    f"{worst:f} {series.unit} is above the limit of {shown:f} {series.unit}.",
                    Severity.ESTIMATE,
                    metric=worst,
                    threshold=shown,
                    start_utc=instant(series.grid, a),
                    end_utc=instant(series.grid, b),
                    fix="Check multiplier, capacity and transformer ratio.",
                )
            )
        return found


def _shown(limit: Fraction) -> Decimal:
    """Return the limit for print; the part below 10^-6 never decides."""
    return from_micro(int(limit // 1))
