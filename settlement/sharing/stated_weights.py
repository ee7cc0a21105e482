"""By numbers that the agreement states: contracted MW, floor area, rack units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.parameters import param
from settlement.sharing._base import Claims, MoneyKey, PartMonth, money_keys
from settlement.weighing._base import Weighing
from settlement.weighing.stated import by_days


@money_keys.register("stated_weights@1")
class StatedWeights(MoneyKey):
    """Stated number x days (MW-days), or the number that holds on a member's last day."""

    title = "By stated numbers"
    states = "the number in the key's unit, such as MW or square feet"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PartMonth):
        """What the numbers count, and how a part month is counted."""

        unit: str = param(help="What the members state: MW, square feet, racks.")

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by number x days; a number that changes inside the month counts its own days."""
        present = claims.present()
        if parameters.part_month == "DAYS":
            return by_days(present, parameters.unit)
        last = {code: stays[-1][0] for code, stays in present.items()}
        weights = {code: stay.stated(code) for code, stay in last.items()}
        said = {code: f"{stay.weight} {parameters.unit}" for code, stay in last.items()}
        return Weighing(parameters.unit, weights, said)
