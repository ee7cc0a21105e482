"""Split by each member's own highest window, whenever it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.allocation._base import (
    Allocation,
    AllocationKey,
    PoolParameters,
    allocation_keys,
    check_members,
    needs_of,
    part_figures,
    split_by_column,
    supply_figure,
)


@allocation_keys.register("own_peak@1")
class OwnPeak(AllocationKey):
    """Supply x highest window of a member / sum of all their highest; one share all period."""

    title = "By own peak"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        window_minutes: int = param(
            unit="minutes",
            choices=(5, 15, 30, 60),
            help="Length of the window in which a peak is measured.",
        )

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Find each member's highest window and split by it.

        A missing use anywhere leaves a peak, and so every part, unknown. Refused when the window
        is shorter than the intervals, or when nobody used anything.
        """
        codes = sorted(claims)
        check_members(codes)
        windows = {code: claims[code].to_minutes(parameters.window_minutes) for code in codes}
        use, missing = needs_of(windows)
        peak = dict(zip(codes, use.max(axis=1).tolist(), strict=True))
        known = not missing.any()
        parts = split_by_column(supply, peak, parameters, known=known)
        figures = tuple(
            Figure(
                f"peak use of {code}",
                from_micro(peak[code]),
                "kWh",
                Source("readings", code, f"highest {parameters.window_minutes}-minute window"),
            )
            for code in codes
            if known
        )
        sheet = Worksheet(
            "Shared by own peak",
            (),
            figures=(supply_figure(supply), *figures, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))
