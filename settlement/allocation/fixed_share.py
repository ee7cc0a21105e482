"""Split by fixed shares that the pool's agreement names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from settlement.allocation._base import ByWeight, PoolParameters, allocation_keys
from settlement.weighing._base import Weighing
from settlement.weighing.shares import agreed, exact_shares


@allocation_keys.register("fixed_share@1")
class FixedShare(ByWeight):
    """Supply x agreed share in every interval, however much a member used."""

    title = "By fixed share"
    heading = "Shared by fixed shares"
    uses_claims = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What a pool with fixed shares has to say."""

        shares: dict = param(
            help='Share of each member, {"ALFA": "0.625", "BRAVO": "0.375"} or "1/3"; sum 1.'
        )

        def __post_init__(self) -> None:
            """Refuse shares that do not add up to exactly 1."""
            exact_shares(self.shares)

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Weigh by the share table; claims, when given, must name the same members."""
        return agreed(parameters.shares, claims)
