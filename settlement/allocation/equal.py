"""Split in equal parts among those who are members on the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.series import Series
from settlement.allocation._base import ByWeight, PoolParameters, allocation_keys
from settlement.weighing._base import Weighing
from settlement.weighing.stated import alike, check_members


@allocation_keys.register("equal@1")
class Equal(ByWeight):
    """Supply / number of members, interval by interval; a member counts on its days alone."""

    title = "In equal parts"
    heading = "Shared in equal parts"
    uses_claims = False
    counts_days = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """A pool in equal parts says nothing but its rounding unit."""

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Weigh every member the same."""
        check_members(list(claims))
        return alike(claims)
