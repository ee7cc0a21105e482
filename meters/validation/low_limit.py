"""V12 Low limit: less than the point takes or gives when it is in service."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import interval_micro, number, usable
from meters.validation._ranges import finding, without_power
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class LowLimitParameters:
    """How little is too little."""

    min_kw: Decimal = param(
        default=Decimal(0),
        unit="kW",
        minimum=0,
        help="Average power that every interval reaches when the point is in service; 0: none.",
    )


@rules.register("low_limit@1")
class LowLimit(BaseRule):
    """No interval shows less than a least power, unless the point had no power.

    Off by default: only a point with a steady load has such a limit. A known outage, the flag
    POWER_FAIL and a point out of service excuse.
    """

    code = "V12"
    title = "Low limit"
    measures = "Lowest reading"
    measured_in = OWN_UNIT
    stage = Stage.VALUE
    default_on = False
    Parameters = LowLimitParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that it is no active energy or power, or that no least power is set."""
        if series.unit not in ("kWh", "kW"):
            return "active energy or power in kWh or kW"
        parameters = context.parameters or LowLimitParameters()
        return "" if parameters.min_kw else "a least power in its setting"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals below the limit."""
        parameters = context.parameters or LowLimitParameters()
        if LowLimit.lacks(series, context) or context.circumstances.active is False:
            return []
        limit = interval_micro(series, parameters.min_kw)
        low = (series.values < -(-limit // 1)) & usable(series, context)
        if low.any():
            low &= ~without_power(series, context)
        shown, found = number(limit), []
        for a, b in runs(low):
            least = number(int(series.values[a:b].min()))
            found.append(
                finding(
                    "V12",
                    Severity.WARN,
                    series.grid,
                    (a, b),
                    f"{least:,f} {series.unit} is below the least of {shown:,f} {series.unit}, "
                    "and no outage is known.",
                    "Check phases and fuses of the metering, or enter the outage.",
                    least,
                    shown,
                )
            )
        return found
