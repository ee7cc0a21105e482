"""What every allocation key takes and gives, and the one way a series is split.

A key is a class with ``allocate(supply, claims, parameters, carry_in) -> Allocation``. It is found
by its versioned name (``metered_use@1``); a changed result is a new file with a new version.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import MISSING, micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Status
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split_grid
from poweroptix.kernel.worksheet import Worksheet


@dataclass(frozen=True)
class Allocation:
    """The parts of one supply, in code order; in every interval they add up to the supply."""

    parts: Mapping[str, Series]
    worksheet: Worksheet
    carry_out: dict = field(default_factory=dict)


class AllocationKey(ABC):
    """One way to split a shared quantity. Subclasses are registered; they hold no state."""

    title: ClassVar[str]
    Parameters: ClassVar[type]
    #: Whether the split depends on what the members used; else the parameters name the members.
    uses_claims: ClassVar[bool] = True

    @abstractmethod
    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split the supply among the members so that every interval closes."""


allocation_keys: Registry[type[AllocationKey]] = Registry("allocation key", "settlement.allocation")


def allocation_key(key: str) -> AllocationKey:
    """Return the key registered under a name such as "metered_use@1"; NotFoundError if none."""
    return allocation_keys.get(key)()


@dataclass(frozen=True, kw_only=True)
class PoolParameters:
    """What every pool says: the smallest amount that one member can be handed."""

    rounding_unit: Decimal = param(
        default=Decimal("0.000001"),
        unit="kWh",
        minimum=Decimal("0.000001"),
        help="Smallest amount handed to one member per interval; the rest closes in 10^-6.",
    )

    @property
    def unit_micro(self) -> int:
        """The rounding unit in micro-units; Refused when it is finer than 10^-6."""
        return micro(self.rounding_unit)


def split_series(
    supply: Series,
    weights: np.ndarray,
    codes: list[str],
    *,
    unit_micro: int,
    fallback: np.ndarray | None,
    status: np.ndarray,
) -> dict[str, Series]:
    """Split every interval of `supply` by `weights` [k, n] into parts that close exactly.

    Whole rounding units go by largest remainder; what is smaller than one unit is split the same
    way in micro-units, so a coarse unit never loses energy. A missing interval stays missing in
    every part. Raises Refused when nobody carries weight and there is no fallback.
    """
    missing = (supply.values == MISSING) | (status == int(Status.MISSING))
    totals = np.where(missing, 0, supply.values)
    whole = np.sign(totals) * (np.abs(totals) // unit_micro)
    parts = split_grid(whole, weights, codes, fallback_weights=fallback) * unit_micro
    rest = totals - whole * unit_micro
    if rest.any():
        parts = parts + split_grid(rest, weights, codes, fallback_weights=fallback)
    worst = np.where(missing, int(Status.MISSING), status).astype(np.uint8)
    return {
        code: Series(supply.grid, np.where(missing, MISSING, parts[row]), worst, supply.unit)
        for row, code in enumerate(codes)
    }


def check_members(codes: list[str]) -> None:
    """Refuse an empty or repeated member list."""
    if not codes:
        raise Refused("allocation.no_members", "The pool has no members, so nobody can bear it.")
    if len(set(codes)) != len(codes):
        raise Refused("allocation.member_twice", "A member is listed twice in the pool.")


def supply_figure(supply: Series) -> Figure:
    """Return the shared quantity as a figure (what is present of it)."""
    return Figure(
        "shared quantity",
        supply.total_present(),
        supply.unit,
        Source("readings", "", "campus balance", {"digest": supply.digest()}),
    )


def part_figures(parts: Mapping[str, Series]) -> tuple[Figure, ...]:
    """Return one figure per member: its part over the period."""
    return tuple(
        Figure(
            f"part of {code}",
            part.total_present(),
            part.unit,
            Source("allocation", code, f"part of {code}", {"digest": part.digest()}),
        )
        for code, part in parts.items()
    )
