"""Split level by level: campus to buildings, building to tenants, each level exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Status
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
)
from settlement.weighing.stated import check_members, check_names, given_weights

WEIGHT, MEMBERS = "weight", "members"
Tree = Mapping[str, Any]


@allocation_keys.register("levels@1")
class Levels(AllocationKey):
    """Supply to groups by weight or use, then the part of each group to what is below it."""

    title = "Level by level"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What a pool with levels has to say."""

        tree: dict = param(
            help='Weight of a member, or weight and members of a group: {"B1": {"weight": "3", '
            '"members": {"ALFA": "1", "BRAVO": "1"}}, "B2": {"weight": "2", "members": {...}}}.'
        )
        members_by: str = param(
            choices=("WEIGHT", "USE"),
            help="How the members of the lowest groups share: by the weights written, or by use.",
        )
        groups_by: str = param(
            choices=("WEIGHT", "USE"),
            help="How groups share: by the weights written, or by the use of their members.",
        )

        def __post_init__(self) -> None:
            """Refuse a tree that names a member twice or a weight that is no number."""
            check_members(leaves(self.tree))

    def wants_whole_period(self, parameters: Any) -> bool:
        """Weights that are written down hold on every day."""
        return parameters.members_by == "WEIGHT"

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split from the top down; what a level hands on is split whole by the next one.

        A missing use leaves the interval missing for all below the group that shares by use.
        Refused when nobody on a level carries weight.
        """
        check_names(leaves(parameters.tree), claims, "levels")
        groups: dict[str, Series] = {}
        parts = _descend(supply, parameters.tree, claims, parameters, groups)
        parts = dict(sorted(parts.items()))
        sums = tuple(
            Figure(
                f"part of group {name}",
                part.total_present(),
                part.unit,
                Source("allocation", name, f"part of group {name}", {"digest": part.digest()}),
            )
            for name, part in groups.items()
        )
        figures = (
            supply_figure(supply), *use_figures(claims), *sums, *part_figures(parts),
        )  # fmt: skip
        return Allocation(parts, Worksheet("Shared level by level", (), figures), dict(carry_in))


def leaves(tree: Tree) -> list[str]:
    """Return the members of a tree; Refused when a group has other fields than weight and members.

    >>> leaves({"B1": {"weight": "3", "members": {"ALFA": "1"}}, "BRAVO": "2"})
    ['ALFA', 'BRAVO']
    """
    found = []
    for name, node in tree.items():
        if not isinstance(node, Mapping):
            found.append(name)
        elif set(node) == {WEIGHT, MEMBERS} and isinstance(node[MEMBERS], Mapping):
            found += leaves(node[MEMBERS])
        else:
            text = f'The group {name} is written as {{"weight": "3", "members": {{...}}}}.'
            raise Refused("allocation.group", text)
    given_weights(
        {name: node[WEIGHT] if isinstance(node, Mapping) else node for name, node in tree.items()},
        "weight",
    )
    return found


def _descend(
    supply: Series,
    tree: Tree,
    claims: Mapping[str, Series],
    parameters: Any,
    groups: dict[str, Series],
) -> dict[str, Series]:
    """Split among the entries of a level, then the part of each group among its own."""
    codes = sorted(tree)
    is_lowest = not any(isinstance(node, Mapping) for node in tree.values())
    rule = parameters.members_by if is_lowest else parameters.groups_by
    weights, unknown = _weights(tree, codes, rule, claims, supply.grid.count)
    status = np.where(unknown, int(Status.MISSING), supply.status).astype(np.uint8)
    fallback = weights.sum(axis=1) if rule == "USE" else None
    given = split_series(
        supply, weights, codes, unit_micro=parameters.unit_micro, fallback=fallback, status=status
    )
    parts: dict[str, Series] = {}
    for code in codes:
        if isinstance(tree[code], Mapping):
            groups[code] = given[code]
            parts |= _descend(given[code], tree[code][MEMBERS], claims, parameters, groups)
        else:
            parts[code] = given[code]
    return parts


def _weights(
    tree: Tree, codes: list[str], rule: str, claims: Mapping[str, Series], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of each entry per interval, and where a use that decides it is missing."""
    if rule == "WEIGHT":
        named = {
            code: node[WEIGHT] if isinstance(node, Mapping) else node for code, node in tree.items()
        }
        fixed = given_weights(named, "weight")
        column = np.array([fixed[code] for code in codes], dtype=np.int64)
        return np.repeat(column[:, None], count, axis=1), np.zeros(count, dtype=bool)
    rows, unknown = [], np.zeros(count, dtype=bool)
    for code in codes:
        below = leaves(tree[code][MEMBERS]) if isinstance(tree[code], Mapping) else [code]
        use, missing = needs_of({name: claims[name] for name in below})
        rows.append(use.sum(axis=0))
        unknown |= missing
    return np.stack(rows), unknown
