"""V26 Use and service: no silent period in service, no energy out of service (vee.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules
from meters.validation._compare import cleared, number
from meters.validation._plant import kind
from meters.validation._ranges import LOAD_KINDS, finding
from poweroptix.kernel import exact
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class ActiveUseParameters:
    """Which channels must show something while they are in service."""

    all_kinds: bool = param(
        default=False,
        help="Also hold a silent period of generators, stores, grid ties and received energy.",
    )


@rules.register("active_use@1")
class ActiveUse(BaseRule):
    """A load in service shows energy in a period, and a point out of service shows none.

    Only loads must use something: a unit may stand for a month, and a load need not feed back. A
    period with a missing interval is not silent.
    """

    code = "V26"
    title = "Nothing used in service, or used out of service"
    measures = "Energy of the period"
    measured_in = OWN_UNIT
    stage = Stage.PERIOD
    Parameters = ActiveUseParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that nobody knows whether the point is in service, where that is so."""
        known = context.circumstances.active is not None
        return "" if known else "whether the point is in service over the whole period"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) over the period, or none."""
        active = context.circumstances.active
        if active is None or not series.grid.count:
            return []
        parameters = context.parameters or ActiveUseParameters()
        if not active:
            return _used(series)
        judged = parameters.all_kinds or (
            kind(context) in LOAD_KINDS
            and context.direction == "DELIVERED"
            and series.unit == "kWh"
        )
        if not judged or series.values.any():  # a missing value is not zero either
            return []
        text = "Nothing was used in the whole period, although the point is in service."
        fix = "Check whether the meter stands still, or take the point out of service."
        return [_over(series, text, Decimal(0), fix)]


def _used(series: Series) -> list[Finding]:
    """Return what a point out of service shows all the same."""
    total = exact.total(np.abs(cleared(series.values, ~series.missing)))
    if not total:
        return []
    text = f"{number(total):,f} {series.unit} although the point is out of service."
    fix = "Put the point into service, or find out what feeds through its meter."
    return [_over(series, text, number(total), fix)]


def _over(series: Series, text: str, total: Decimal, fix: str) -> Finding:
    """Return a finding over the whole period."""
    whole = (0, series.grid.count)
    return finding("V26", Severity.HOLD, series.grid, whole, text, fix, total, Decimal(0))
