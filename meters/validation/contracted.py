"""V24 Tenants: a load above its contracted capacity is an event of the contract, no data error."""

from __future__ import annotations

from decimal import Decimal

from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules
from meters.validation._compare import interval_micro, number, plain, usable
from meters.validation._plant import kind, over, run_findings, wanting
from meters.validation._ranges import NoParameters
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("contracted_capacity@1")
class ContractedCapacity(BaseRule):
    """The mean power of a tenant in an interval is at most the contracted capacity.

    Without a contracted capacity that of the delivery point counts. The readings stand as they are;
    a load equal to the capacity passes.
    """

    code = "V24M"
    title = "Load above contracted capacity"
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of tenant and capacity."""
        taken = series.unit in ("kWh", "kW") and context.direction == "DELIVERED"
        if kind(context) != "TENANT_LOAD" or not taken:
            return "the load of a tenant"
        return wanting((_contracted(context), "the contracted capacity"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals above the capacity."""
        if ContractedCapacity.lacks(series, context):
            return []
        contracted = _contracted(context) or Decimal(0)
        limit = interval_micro(series, contracted)
        bad = over(series.values, limit, usable(series, context))
        return run_findings(
            "V24M",
            series,
            bad,
            lambda most, a, b: (
                f"{most:,f} {series.unit} in {series.grid.minutes} minutes is above the contracted "
                f"{plain(contracted):,f} kW ({number(limit):,f} {series.unit})."
            ),
            limit,
            Severity.WARN,
            "Tell the tenant; the contract says what an excess costs.",
        )


def _contracted(context: ValidationContext) -> Decimal | None:
    return context.circumstances.plant.contracted_kw or context.capacity_kw
