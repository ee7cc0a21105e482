"""Split by priority: the first class takes what it needs, then the next, and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from poweroptix.kernel.caps import split_capped
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    needs_of,
    taken,
)
from settlement.weighing.stated import check_members, check_names, given_weights


@allocation_keys.register("waterfall@1")
class Waterfall(AllocationKey):
    """The firm class first, then the next; a class that is short shares by use or entitlement."""

    title = "By priority of firm classes"
    within_need = True

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What a pool with classes has to say."""

        classes: list = param(
            help='Classes in order of priority, [["ALFA", "BRAVO"], ["CHARLIE"], ["DELTA"]].'
        )
        short_by: str = param(
            choices=("USE", "ENTITLEMENT"),
            help="How a class shares a supply that does not reach for all of it.",
        )
        entitlements: dict = param(
            default={}, help='With ENTITLEMENT: that of each member, {"ALFA": "60", "BRAVO": "45"}.'
        )

        def __post_init__(self) -> None:
            """Refuse classes that name nobody, one member twice, or lack an entitlement."""
            members = members_of(self.classes)
            if self.short_by == "ENTITLEMENT":
                given_weights(self.entitlements, "entitlement")
                check_names(self.entitlements, members, "entitlements")

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Serve class by class up to the need of each member; what nobody needs is left over."""
        codes = sorted(claims)
        check_members(codes)
        check_names(members_of(parameters.classes), codes, "classes")
        need, _ = needs_of(claims)
        left = np.where(supply.missing, 0, np.maximum(supply.values, 0))
        given = np.zeros_like(need)
        for members in parameters.classes:
            rows = [codes.index(code) for code in sorted(members)]
            given[rows] = split_capped(
                left,
                _weights(sorted(members), parameters, left.size),
                need[rows],
                sorted(members),
                parameters.unit_micro,
            )
            left = left - given[rows].sum(axis=0)
        allocation = taken(supply, claims, given, "Shared by priority of firm classes")
        return replace(allocation, carry_out=dict(carry_in))


def members_of(classes: list) -> list[str]:
    """Return the members of all classes; Refused unless each stands in exactly one.

    >>> members_of([["ALFA", "BRAVO"], ["CHARLIE"]])
    ['ALFA', 'BRAVO', 'CHARLIE']
    """
    for one in classes:
        if not isinstance(one, list) or not one or not all(isinstance(code, str) for code in one):
            text = f'A class is a list of members such as ["ALFA", "BRAVO"], not {one!r}.'
            raise Refused("allocation.class", text)
    members = list(chain.from_iterable(classes))
    check_members(members)
    return members


def _weights(members: list[str], parameters: Any, count: int) -> np.ndarray | None:
    """Return the entitlements of a class; None when it shares by need."""
    if parameters.short_by == "USE":
        return None
    weights = given_weights(parameters.entitlements, "entitlement")
    column = np.array([weights[code] for code in members], dtype=np.int64)
    return np.broadcast_to(column[:, None], (column.size, count))
