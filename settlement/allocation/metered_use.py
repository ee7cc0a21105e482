"""Split by metered use: whoever used more in an interval bears more of that interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from poweroptix.kernel.figure import Figure, Source
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
from settlement.weighing.stated import check_members


@allocation_keys.register("metered_use@1")
class MeteredUse(AllocationKey):
    """Supply x own use / use of all members, interval by interval."""

    title = "By metered use"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What a pool that is split by metered use has to say."""

        when_nobody_uses: str = param(
            default="PERIOD_USE",
            choices=("PERIOD_USE", "EQUAL", "REFUSE"),
            help="Who bears an interval in which no member used anything.",
        )

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split by use.

        A member that fed energy back in an interval has no use there. A negative supply (meters
        above the campus meter) is split the same way with the sign kept. If one member's use is
        missing, the whole interval is missing: nobody's share is known.
        """
        codes = sorted(claims)
        check_members(codes)
        weights, _ = needs_of(claims)
        fallback = _fallback(weights, codes, parameters.when_nobody_uses)
        idle = int((weights.sum(axis=0, dtype=np.int64) == 0).sum())
        parts = split_series(
            supply,
            weights,
            codes,
            unit_micro=parameters.unit_micro,
            fallback=fallback,
            status=worst_of(supply, claims),
        )
        rule = Figure(
            "intervals without use",
            Decimal(idle),
            "count",
            Source("term", "when_nobody_uses", parameters.when_nobody_uses),
            note="split by largest remainder per interval: shared x own use / use of all members",
        )
        sheet = Worksheet(
            "Shared by metered use",
            (),
            figures=(supply_figure(supply), *use_figures(claims), rule, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))


def _fallback(weights: np.ndarray, codes: list[str], rule: str) -> np.ndarray | None:
    """Return the weights of an interval in which nobody used anything; None refuses it."""
    if rule == "EQUAL":
        return np.ones(len(codes), dtype=np.int64)
    if rule == "REFUSE":
        return None
    return weights.sum(axis=1)
