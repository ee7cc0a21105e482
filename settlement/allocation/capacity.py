"""Split by contracted capacity, counted on the days of membership."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    check_names,
    given_weights,
    part_figures,
    split_by_days,
    supply_figure,
    weight_figures,
)


@allocation_keys.register("capacity@1")
class Capacity(AllocationKey):
    """Supply x MW / MW of all members on the day: by MW-days where capacity comes or goes."""

    title = "By contracted capacity"
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

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split among the members of each interval; Refused when none of them has weight."""
        weights = given_weights(parameters.capacity_mw, "capacity")
        check_names(weights, claims, "capacitys")
        parts = split_by_days(supply, weights, claims, parameters)
        given = weight_figures(parameters.capacity_mw, "capacity", "MW")
        sheet = Worksheet(
            "Shared by contracted capacity",
            (),
            figures=(supply_figure(supply), *given, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))
