"""Split in equal parts among those who are members on the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    check_members,
    part_figures,
    split_by_days,
    supply_figure,
)


@allocation_keys.register("equal@1")
class Equal(AllocationKey):
    """Supply / number of members, interval by interval; a member counts on its days alone."""

    title = "In equal parts"
    uses_claims = False
    counts_days = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """A pool in equal parts says nothing but its rounding unit."""

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split among the members of each interval; Refused on a day without any."""
        codes = sorted(claims)
        check_members(codes)
        parts = split_by_days(supply, dict.fromkeys(codes, 1), claims, parameters)
        figures = (supply_figure(supply), *part_figures(parts))
        sheet = Worksheet("Shared in equal parts", (), figures=figures)
        return Allocation(parts, sheet, dict(carry_in))
