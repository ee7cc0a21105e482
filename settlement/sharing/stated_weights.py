"""By numbers that the agreement states: contracted MW, floor area, rack units."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from poweroptix.kernel.parameters import param
from settlement.sharing._base import Claims, MoneyKey, PartMonth, Weighing, money_keys


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
        weights: dict[str, Fraction | None] = {}
        said = {}
        for code, stays in claims.present().items():
            ordered = sorted(stays, key=lambda each: each[1][0])
            if parameters.part_month == "WHOLE":
                weights[code] = ordered[-1][0].stated(code)
                said[code] = f"{ordered[-1][0].weight} {parameters.unit}"
                continue
            weights[code] = sum(
                (stay.stated(code) * len(days) for stay, days in ordered), Fraction(0)
            )
            said[code] = " + ".join(
                f"{stay.weight} {parameters.unit} x {len(days)} days" for stay, days in ordered
            )
        whole = parameters.part_month == "WHOLE"
        return Weighing(parameters.unit if whole else f"{parameters.unit}-days", weights, said)
