"""Split by what each member left unused of its entitlement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from settlement.allocation._base import ByWeight, PoolParameters, allocation_keys, drawn
from settlement.weighing._base import Weighing
from settlement.weighing.stated import check_names, given_weights
from settlement.weighing.unused import unused_entitlement


@allocation_keys.register("unused_entitlement@1")
class UnusedEntitlement(ByWeight):
    """Supply x unused entitlement / that of all, where unused is max(0, entitled - use)."""

    title = "By unused entitlement"
    heading = "Shared by unused entitlement"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        entitlement_kw: dict = param(
            unit="kW", help='Entitlement of each member, {"ALFA": "60000", "BRAVO": "45000"}.'
        )

        def __post_init__(self) -> None:
            """Refuse what is no number, negative, or zero for everybody."""
            given_weights(self.entitlement_kw, "entitlement")

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Add up what is unused interval by interval; energy fed back is no use."""
        said = parameters.entitlement_kw
        entitled = given_weights(said, "entitlement")
        check_names(entitled, claims, "entitlements")
        return unused_entitlement(
            {
                code: [(f"{said[code]}", Fraction(entitled[code], MICRO), drawn(claims[code]))]
                for code in sorted(claims)
            }
        )
