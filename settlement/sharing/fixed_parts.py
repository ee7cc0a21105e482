"""By agreed shares that add up to one on every day, time-weighted over the month."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from settlement.sharing._base import Claims, MoneyKey, NoParameters, money_keys
from settlement.weighing._base import Weighing
from settlement.weighing.shares import shares_not_one
from settlement.weighing.stated import by_days


@money_keys.register("fixed_parts@1")
class FixedParts(MoneyKey):
    """Share x days; shares that change inside the month count their own days."""

    title = "By agreed shares"
    states = "the share, such as 0.55 or 1/3; on every day the shares add up to 1"
    Parameters = NoParameters

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by share x days. A day whose shares are not one leaves the weights unknown."""
        weighing = replace(by_days(claims.present()), unit="share-days")
        findings = tuple(shares_not_one(claims.stays, claims.period.days()))
        unknown = dict.fromkeys(weighing.weights)
        return replace(weighing, weights=unknown, findings=findings) if findings else weighing
