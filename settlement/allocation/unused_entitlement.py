"""Split by what each member left unused of its entitlement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import to_places
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    check_names,
    given_weights,
    needs_of,
    part_figures,
    split_by_column,
    supply_figure,
)

#: A micro-kW during a minute is this part of a micro-kWh.
MINUTES_OF_HOUR = 60


@allocation_keys.register("unused_entitlement@1")
class UnusedEntitlement(AllocationKey):
    """Supply x unused entitlement / that of all, where unused is max(0, entitled - use)."""

    title = "By unused entitlement"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        entitlement_kw: dict = param(
            unit="kW", help='Entitlement of each member, {"ALFA": "60000", "BRAVO": "45000"}.'
        )

        def __post_init__(self) -> None:
            """Refuse what is no number, negative, or zero for everybody."""
            given_weights(self.entitlement_kw, "entitlement")

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Add up what is unused interval by interval, and split the whole period by it.

        A missing use anywhere leaves every part unknown. Refused when nobody left anything.
        """
        entitled = given_weights(parameters.entitlement_kw, "entitlement")
        check_names(entitled, claims, "entitlements")
        codes = sorted(claims)
        use, missing = needs_of(claims)
        column = np.array([entitled[code] for code in codes], dtype=np.int64)[:, None]
        minutes = supply.grid.minutes
        unused = np.maximum(column * minutes - use * MINUTES_OF_HOUR, 0).sum(axis=1)
        weights = dict(zip(codes, unused.tolist(), strict=True))
        known = not missing.any()
        parts = split_by_column(supply, weights, parameters, known=known)
        figures = tuple(
            Figure(
                f"unused by {code}",
                to_places(Fraction(weights[code], MINUTES_OF_HOUR * 10**6), 6),
                "kWh",
                Source("readings", code, f"entitled {parameters.entitlement_kw[code]} kW less use"),
            )
            for code in codes
            if known
        )
        sheet = Worksheet(
            "Shared by unused entitlement",
            (),
            figures=(supply_figure(supply), *figures, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))
