"""The last source of a campus: every member takes from it what no other source gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from poweroptix.kernel.series import Series
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    taken,
    wants_of,
)
from settlement.weighing.stated import check_members


@allocation_keys.register("fill_rest@1")
class FillRest(AllocationKey):
    """Each member's open need, whole; what was metered beyond or below it is left over."""

    title = "Fills what the other sources leave open"
    within_need = True
    fills = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """A source that fills the rest says nothing more."""

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Give every member its need with its sign: who fed energy back gives it to this source.

        The rest is negative where the meters of the source show less than was needed.
        """
        check_members(list(claims))
        given = taken(supply, claims, wants_of(claims), self.title)
        return replace(given, carry_out=dict(carry_in))
