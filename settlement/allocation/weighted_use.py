"""Split by use times a factor: who is farther from the source bears more of the losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    needs_of,
    part_figures,
    split_series,
    supply_figure,
    use_figures,
    worst_of,
)
from settlement.weighing._base import whole
from settlement.weighing.stated import check_members, check_names, given_weights, weight_figures


@allocation_keys.register("weighted_use@1")
class WeightedUse(AllocationKey):
    """Supply x (own use x factor) / sum of (use x factor) of all members, interval by interval."""

    title = "By use times a factor"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        factors: dict = param(
            help='Factor of each member, such as its distance, {"ALFA": "1.2", "BRAVO": "0.4"}.'
        )

        def __post_init__(self) -> None:
            """Refuse what is no number, negative, or zero for everybody."""
            given_weights(self.factors, "factor")

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split by use and factor; an interval without use goes by that of the whole period.

        If one member's use is missing, the whole interval is missing: nobody's share is known.
        """
        codes = sorted(claims)
        check_members(codes)
        given = given_weights(parameters.factors, "factor")
        check_names(given, codes, "factors")
        column = np.array(list(whole(given).values()), dtype=np.int64)[:, None]
        use, _ = needs_of(claims)
        weights = use * column
        parts = split_series(
            supply,
            weights,
            codes,
            unit_micro=parameters.unit_micro,
            fallback=use.sum(axis=1) * column[:, 0],
            status=worst_of(supply, claims),
        )
        figures = (
            supply_figure(supply),
            *use_figures(claims),
            *weight_figures(parameters.factors, "factor", ""),
            *part_figures(parts),
        )
        return Allocation(parts, Worksheet("Shared by use times a factor", (), figures), {})
