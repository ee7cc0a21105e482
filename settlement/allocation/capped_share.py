"""Split by entitlement, nobody above the own need; what one leaves goes to the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poweroptix.kernel.caps import split_capped
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split_in_units
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    needs_of,
    taken,
)
from settlement.weighing._base import whole
from settlement.weighing.stated import check_members, check_names, given_weights, weight_figures


@allocation_keys.register("capped_share@1")
class CappedShare(AllocationKey):
    """Supply x entitlement / all entitlements, at most the own use; the rest is given again."""

    title = "By entitlement, at most the own use"
    within_need = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What a pool with entitlements has to say."""

        entitlements: dict = param(
            help='Entitlement of each member in MW or shares, {"ALFA": "60", "BRAVO": "45"}; '
            "0 for one that takes only what others leave."
        )
        unused: str = param(
            choices=("PASS_ON", "KEEP"),
            help="Entitlement that a member does not use: PASS_ON gives it to those who need more "
            "(by entitlement, last to those without one), KEEP leaves it with the operator.",
        )

        def __post_init__(self) -> None:
            """Refuse what is no number, negative, or zero for everybody."""
            given_weights(self.entitlements, "entitlement")

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Give by entitlement up to each need; repeat with the rest until nothing moves."""
        entitled = given_weights(parameters.entitlements, "entitlement")
        codes = sorted(claims)
        check_members(codes)
        check_names(entitled, codes, "entitlements")
        column = np.array(list(whole(entitled).values()), dtype=np.int64)
        need, _ = needs_of(claims)
        weights = np.broadcast_to(column[:, None], need.shape)
        left = np.where(supply.missing, 0, np.maximum(supply.values, 0))
        unit = parameters.unit_micro
        if parameters.unused == "KEEP":
            given = np.minimum(split_in_units(left, weights, codes, unit), need)
        else:
            given = split_capped(left, weights, need, codes, unit)
            without = np.where(weights == 0, need, 0)
            if without.any():
                over = left - given.sum(axis=0)
                given = given + split_capped(over, None, without, codes, unit)
        figures = weight_figures(parameters.entitlements, "entitlement", "")
        allocation = taken(
            supply, claims, given, "Shared by entitlement, at most the own use", figures
        )
        return replace(allocation, carry_out=dict(carry_in))
