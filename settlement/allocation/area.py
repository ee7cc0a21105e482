"""Split by floor area, counted on the days of membership."""

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


@allocation_keys.register("area@1")
class Area(AllocationKey):
    """Supply x floor area / area of all members on the day, however much anybody used."""

    title = "By floor area"
    uses_claims = False
    counts_days = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        area_sqft: dict = param(
            unit="ft2", help='Floor area of each member, {"ALFA": "182000", "BRAVO": "96500"}.'
        )

        def __post_init__(self) -> None:
            """Refuse what is no number, negative, or zero for everybody."""
            given_weights(self.area_sqft, "area")

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split among the members of each interval; Refused when none of them has weight."""
        weights = given_weights(parameters.area_sqft, "area")
        check_names(weights, claims, "areas")
        parts = split_by_days(supply, weights, claims, parameters)
        given = weight_figures(parameters.area_sqft, "area", "ft2")
        sheet = Worksheet(
            "Shared by floor area",
            (),
            figures=(supply_figure(supply), *given, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))
