"""Split by contracted capacity, counted on the days of membership."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from settlement.allocation._base import ByWeight, PoolParameters, allocation_keys
from settlement.weighing._base import Weighing
from settlement.weighing.stated import given_weights, stated


@allocation_keys.register("capacity@1")
class Capacity(ByWeight):
    """Supply x MW / MW of all members on the day: by MW-days where capacity comes or goes."""

    title = "By contracted capacity"
    heading = "Shared by contracted capacity"
    uses_claims = False
    counts_days = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        capacity_mw: dict = param(
            unit="MW", help='Contracted capacity of each member, {"ALFA": "60", "BRAVO": "45"}.'
        )

        def __post_init__(self) -> None:
            """Refuse what is no number, negative, or zero for everybody."""
            given_weights(self.capacity_mw, "capacity")

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Weigh by the table, which names the members."""
        return stated(parameters.capacity_mw, "capacity", "MW", claims, "capacities")
