"""What every allocation key takes and gives, and the one way a series is split.

A key is a class with ``allocate(supply, claims, parameters, carry_in) -> Allocation``. It is found
by its versioned name (``metered_use@1``); a changed result is a new file with a new version.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from math import gcd
from typing import Any, ClassVar

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import MISSING, micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Status
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split_in_units
from poweroptix.kernel.worksheet import Worksheet


@dataclass(frozen=True)
class Allocation:
    """The parts of one supply, in code order, and what no member took (None: nothing is left).

    In every interval parts and rest add up to the supply.
    """

    parts: Mapping[str, Series]
    worksheet: Worksheet
    carry_out: dict = field(default_factory=dict)
    rest: Series | None = None


class AllocationKey(ABC):
    """One way to split a shared quantity. Subclasses are registered; they hold no state."""

    title: ClassVar[str]
    Parameters: ClassVar[type]
    #: Whether the split depends on what the members used; else the parameters name the members.
    uses_claims: ClassVar[bool] = True
    #: Whether a member counts on its days alone, although use does not matter: its claim is then
    #: 1 on the days of membership and 0 on the others.
    counts_days: ClassVar[bool] = False
    #: Whether nobody gets more than its claim, so that it can split a source of energy.
    within_need: ClassVar[bool] = False
    #: Whether it is the source that gives every member what the other sources leave open.
    fills: ClassVar[bool] = False

    def wants_whole_period(self, parameters: Any) -> bool:
        """Say whether members are the same all period because their days make no difference."""
        return not self.uses_claims and not self.counts_days

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
    parts = split_in_units(totals, weights, codes, unit_micro, fallback_weights=fallback)
    worst = np.where(missing, int(Status.MISSING), status).astype(np.uint8)
    return {
        code: Series(supply.grid, np.where(missing, MISSING, parts[row]), worst, supply.unit)
        for row, code in enumerate(codes)
    }


def split_by_column(
    supply: Series, weights: Mapping[str, int], parameters: PoolParameters, *, known: bool = True
) -> dict[str, Series]:
    """Split every interval by the same weights; all of it is missing when these are not known.

    Raises Refused when nobody carries weight while there is something to share.
    """
    codes = sorted(weights)
    common = gcd(*weights.values()) or 1
    column = np.array([weights[code] // common for code in codes], dtype=np.int64)
    grid = np.broadcast_to(column[:, None], (len(codes), supply.grid.count))
    status = supply.status if known else np.full_like(supply.status, int(Status.MISSING))
    return split_series(
        supply, grid, codes, unit_micro=parameters.unit_micro, fallback=None, status=status
    )


def split_by_days(
    supply: Series,
    weights: Mapping[str, int],
    claims: Mapping[str, Series],
    parameters: PoolParameters,
) -> dict[str, Series]:
    """Split every interval by the weights of those whose claim says that they are members then.

    Raises Refused when there is something to share on a day and nobody carries weight.
    """
    codes = sorted(claims)
    present, _ = needs_of(claims)
    column = np.array([weights[code] for code in codes], dtype=np.int64)
    shares = np.where(present > 0, column[:, None], 0)
    return split_series(
        supply,
        shares,
        codes,
        unit_micro=parameters.unit_micro,
        fallback=None,
        status=supply.status,
    )


def needs_of(claims: Mapping[str, Series]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each member can take, [k, n] in code order, and where it is missing for one.

    A member that fed energy back has no need there.
    """
    absent = np.logical_or.reduce([claim.missing for claim in claims.values()])
    return np.maximum(wants_of(claims), 0), absent


def wants_of(claims: Mapping[str, Series]) -> np.ndarray:
    """Return the claims [k, n] in code order with their sign; zero where one is missing."""
    values = np.stack([claims[code].values for code in sorted(claims)])
    return np.where(values == MISSING, 0, values)


def taken(supply: Series, claims: Mapping[str, Series], given: np.ndarray) -> Allocation:
    """Return the parts in code order and the rest that nobody took, without a worksheet.

    Where the supply or one member's need is missing, every part and the rest are missing: nobody's
    share is known. The rest keeps the sign of a negative supply (an engine that draws).
    """
    codes = sorted(claims)
    status = np.maximum.reduce([supply.status, *(claims[code].status for code in codes)])
    missing = status == int(Status.MISSING)
    rest = np.where(missing, 0, supply.values) - given.sum(axis=0)
    parts = [
        Series(supply.grid, np.where(missing, MISSING, row), status, supply.unit)
        for row in (*given, rest)
    ]
    return Allocation(dict(zip(codes, parts[:-1], strict=True)), Worksheet("", ()), rest=parts[-1])


def check_members(codes: list[str]) -> None:
    """Refuse an empty or repeated member list."""
    if not codes:
        raise Refused("allocation.no_members", "The pool has no members, so nobody can bear it.")
    if len(set(codes)) != len(codes):
        raise Refused("allocation.member_twice", "A member is listed twice in the pool.")


def check_names(given: Collection[str], members: Collection[str], what: str) -> None:
    """Refuse a table that names others than the members."""
    if members and sorted(given) != sorted(members):
        named, are = ", ".join(sorted(given)), ", ".join(sorted(members))
        text = f"The {what} name {named}; the pool's members are {are}."
        raise Refused("allocation.members_differ", text)


def given_weights(table: Mapping[str, str], what: str) -> dict[str, int]:
    """Return a table of exact numbers as whole weights of 10^-6; Refused below zero or all zero.

    >>> given_weights({"ALFA": "60", "BRAVO": "7.5"}, "capacity")
    {'ALFA': 60000000, 'BRAVO': 7500000}
    """
    check_members(list(table))
    weights = {}
    for code, text in table.items():
        try:
            weights[code] = micro(Decimal(str(text)))
        except (InvalidOperation, Refused):
            fault = f'The {what} "{text}" of {code} is no number of at most 6 decimals.'
            raise Refused("allocation.weight", fault) from None
        if weights[code] < 0:
            raise Refused("allocation.weight", f"The {what} {text} of {code} is negative.")
    if not any(weights.values()):
        raise Refused("allocation.weight", f"The {what} of every member is zero.")
    return weights


def weight_figures(table: Mapping[str, str], what: str, unit: str) -> tuple[Figure, ...]:
    """Return one figure per member: what the agreement gives it."""
    return tuple(
        Figure(f"{what} of {code}", Decimal(str(table[code])), unit, Source("term", code, what))
        for code in sorted(table)
    )


def use_figures(claims: Mapping[str, Series]) -> tuple[Figure, ...]:
    """Return one figure per member: its metered use of the period."""
    return tuple(
        Figure(
            f"use of {code}",
            claims[code].total_present(),
            claims[code].unit,
            Source("readings", code, f"metered use of {code}", {"digest": claims[code].digest()}),
        )
        for code in sorted(claims)
    )


def supply_figure(supply: Series) -> Figure:
    """Return the shared quantity as a figure (what is present of it)."""
    return Figure(
        "shared quantity",
        supply.total_present(),
        supply.unit,
        Source("readings", "", "campus balance", {"digest": supply.digest()}),
    )


def rest_figure(rest: Series) -> Figure:
    """Return what no member took, as a figure."""
    source = Source("allocation", "", "what no member took", {"digest": rest.digest()})
    return Figure("left over", rest.total_present(), rest.unit, source)


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
