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

from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import MISSING, micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.quality import Status
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split_in_units
from poweroptix.kernel.worksheet import Worksheet
from settlement.weighing._base import Weighing, whole


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


class ByWeight(AllocationKey):
    """A key that is its weighing: one weight per member for the period, or for its days in it."""

    #: The title of its worksheet.
    heading: ClassVar[str]

    @abstractmethod
    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Return what each member weighs, with the figures that show why."""

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split every interval by the weights; one that is not known leaves every part missing.

        Where members count by days, those share whose claim says that they are members then.
        Refused when nobody carries weight while there is something to share.
        """
        weighing = self.weigh(claims, parameters)
        known = weighing.is_known
        column = whole({code: weight or 0 for code, weight in weighing.weights.items()})
        weights = np.array(list(column.values()), dtype=np.int64)[:, None]
        if self.counts_days:
            weights = np.where(needs_of(claims)[0] > 0, weights, 0)
        parts = split_series(
            supply,
            np.broadcast_to(weights, (len(column), supply.grid.count)),
            list(column),
            unit_micro=parameters.unit_micro,
            fallback=None,
            status=supply.status if known else np.full_like(supply.status, int(Status.MISSING)),
        )
        figures = weighing.figures if known else ()
        shown = (supply_figure(supply), *figures, *part_figures(parts))
        return Allocation(parts, Worksheet(self.heading, (), shown), dict(carry_in))


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


def needs_of(claims: Mapping[str, Series]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each member can take, [k, n] in code order, and where it is missing for one.

    A member that fed energy back has no need there.
    """
    absent = np.logical_or.reduce([claim.missing for claim in claims.values()])
    return np.maximum(wants_of(claims), 0), absent


def drawn(claim: Series) -> Series:
    """Return what a member took; energy that it fed back counts as none taken."""
    values = np.where(claim.missing, MISSING, np.maximum(claim.values, 0))
    return Series(claim.grid, values, claim.status, claim.unit)


def wants_of(claims: Mapping[str, Series]) -> np.ndarray:
    """Return the claims [k, n] in code order with their sign; zero where one is missing."""
    values = np.stack([claims[code].values for code in sorted(claims)])
    return np.where(values == MISSING, 0, values)


def worst_of(supply: Series, claims: Mapping[str, Series]) -> np.ndarray:
    """Return the worst status of the supply and all claims, interval by interval."""
    return np.maximum.reduce([supply.status, *(claim.status for claim in claims.values())])


def taken(
    supply: Series,
    claims: Mapping[str, Series],
    given: np.ndarray,
    heading: str,
    agreed: tuple[Figure, ...] = (),
) -> Allocation:
    """Return the parts in code order, the rest that nobody took, and the worksheet of both.

    Where the supply or one member's need is missing, every part and the rest are missing: nobody's
    share is known. The rest keeps the sign of a negative supply (an engine that draws).
    """
    codes = sorted(claims)
    status = worst_of(supply, claims)
    missing = status == int(Status.MISSING)
    rest = np.where(missing, 0, supply.values) - given.sum(axis=0)
    *own, left = (
        Series(supply.grid, np.where(missing, MISSING, row), status, supply.unit)
        for row in (*given, rest)
    )
    parts = dict(zip(codes, own, strict=True))
    shown = (*agreed, *use_figures(claims), *part_figures(parts), rest_figure(left))
    return Allocation(parts, Worksheet(heading, (), (supply_figure(supply), *shown)), rest=left)


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
