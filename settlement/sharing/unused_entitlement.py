"""By what a member was entitled to and did not use."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from poweroptix.kernel.fixed import MICRO
from settlement.sharing._base import Claims, Measured, MoneyKey, Weighing, money_keys, unread


@money_keys.register("unused_entitlement@1")
class UnusedEntitlement(MoneyKey):
    """Sum over the intervals of max(0, entitlement - use), in kWh."""

    title = "By unused entitlement"
    states = "the entitlement in kW"
    Parameters = Measured

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by unused kWh of the member's own intervals."""
        weights: dict[str, Fraction | None] = {}
        said, findings = {}, []
        for code, stays in claims.present().items():
            parts = [(stay, claims.energy(code, days)) for stay, days in stays]
            if any(part is None or part.missing_count for _stay, part in parts):
                weights[code], said[code] = None, "not known"
                findings.append(unread(code, parameters.quantity, claims.period.label))
                continue
            weights[code] = sum(
                (_unused(stay.stated(code), part) for stay, part in parts), Fraction(0)
            )
            said[code] = "unused of " + ", then ".join(f"{stay.weight} kW" for stay, _ in stays)
        return Weighing("kWh", weights, said, tuple(findings))


def _unused(entitled_kw: Fraction, used) -> Fraction:
    """Return the exact sum of max(0, entitlement - use): intervals below it, counted and summed."""
    entitled_micro = entitled_kw * used.grid.minutes / 60 * MICRO
    below = used.values < np.int64(-(-entitled_micro.numerator // entitled_micro.denominator))
    spent = sum(int(value) for value in used.values[below])
    return (entitled_micro * int(below.sum()) - spent) / MICRO
