"""Split by fixed shares that the pool's agreement names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    check_members,
    part_figures,
    split_series,
    supply_figure,
)


@allocation_keys.register("fixed_share@1")
class FixedShare(AllocationKey):
    """Supply x agreed share in every interval, however much a member used."""

    title = "By fixed share"
    uses_claims = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What a pool with fixed shares has to say."""

        shares: dict = param(
            help='Share of each member, {"ALFA": "0.625", "BRAVO": "0.375"} or "1/3"; sum 1.'
        )

        def __post_init__(self) -> None:
            """Refuse shares that do not add up to exactly 1."""
            exact_shares(self.shares)

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Split by the share table, whose members are the members.

        `claims` may be empty; when they are given, they must name the same members, so that nobody
        is forgotten.
        """
        shares = exact_shares(parameters.shares)
        codes = sorted(shares)
        if claims and sorted(claims) != codes:
            members = ", ".join(sorted(claims))
            text = f"The shares name {', '.join(codes)}; the pool's members are {members}."
            raise Refused("allocation.members_differ", text)
        common = lcm(*(share.denominator for share in shares.values()))
        column = np.array([int(shares[code] * common) for code in codes], dtype=np.int64)
        weights = np.repeat(column[:, None], supply.grid.count, axis=1)
        parts = split_series(
            supply,
            weights,
            codes,
            unit_micro=parameters.unit_micro,
            fallback=None,
            status=supply.status,
        )
        given = tuple(
            Figure(
                f"share of {code}",
                Decimal(shares[code].numerator) / Decimal(shares[code].denominator),
                "ratio",
                Source("term", code, f"agreed share {parameters.shares[code]}"),
            )
            for code in codes
        )
        sheet = Worksheet(
            "Shared by fixed shares",
            (),
            figures=(supply_figure(supply), *given, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))


def exact_shares(shares: Mapping[str, str]) -> dict[str, Fraction]:
    """Return the shares as fractions; Refused unless each is positive and they add up to 1.

    >>> exact_shares({"ALFA": "0.625", "BRAVO": "0.375"})["ALFA"]
    Fraction(5, 8)
    """
    check_members(list(shares))
    exact = {code: _fraction(code, text) for code, text in shares.items()}
    total = sum(exact.values(), Fraction(0))
    if total != 1:
        percent = format((Decimal(total.numerator) * 100 / Decimal(total.denominator)), "f")
        text = f"The shares add up to {percent} %, they must be 100 %."
        raise Refused("allocation.shares_not_one", text, total=str(total))
    return exact


def _fraction(code: str, text: str) -> Fraction:
    try:
        share = Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        raise Refused("allocation.share", f'The share "{text}" of {code} is no number.') from None
    if share < 0:
        raise Refused("allocation.share", f"The share {text} of {code} is negative.")
    return share
