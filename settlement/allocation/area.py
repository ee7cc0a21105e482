"""Split by floor area, counted on the days of membership."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from settlement.allocation._base import ByWeight, PoolParameters, allocation_keys
from settlement.weighing._base import Weighing
from settlement.weighing.stated import given_weights, stated


@allocation_keys.register("area@1")
class Area(ByWeight):
    """Supply x floor area / area of all members on the day, however much anybody used."""

    title = "By floor area"
    heading = "Shared by floor area"
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

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Weigh by the table, which names the members."""
        return stated(parameters.area_sqft, "area", "ft2", claims, "areas")
