"""Equal parts, whatever a member uses or has agreed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from poweroptix.kernel.words import counted
from settlement.sharing._base import Claims, MoneyKey, PartMonth, money_keys
from settlement.weighing._base import Weighing
from settlement.weighing.stated import alike


@money_keys.register("equal_parts@1")
class EqualParts(MoneyKey):
    """Every member the same: per month, or per day on which it takes part."""

    title = "Equal parts"
    Parameters = PartMonth

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh each member 1, or by its days."""
        present = claims.present()
        if parameters.part_month == "WHOLE":
            return alike(present)
        days = {code: sum(len(each) for _stay, each in stays) for code, stays in present.items()}
        weights = {code: Fraction(count) for code, count in days.items()}
        return Weighing("days", weights, {code: counted(n, "day") for code, n in days.items()})
