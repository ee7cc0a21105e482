"""Split by each member's use in the window in which all members together used most."""

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


@allocation_keys.register("coincident_peak@1")
class CoincidentPeak(AllocationKey):
    """Supply x use in the peak window of all members / use of all in it; one share all period."""

    title = "By coincident peak"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        window_minutes: int = param(
            unit="minutes",
            choices=(5, 15, 30, 60),
            help="Length of the window in which the peak is measured.",
        )

    def allocate(
        self,
        supply: Series,
        claims: Mapping[str, Series],
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> Allocation:
        """Find the window with the highest use together (the first of equals) and split by it.

        A missing use anywhere leaves the peak, and so every part, unknown. Refused when the window
        is shorter than the intervals, or when nobody used anything.
        """
        codes = sorted(claims)
        check_members(codes)
        windows = {code: claims[code].to_minutes(parameters.window_minutes) for code in codes}
        use, missing = needs_of(windows)
        at = int(use.sum(axis=0).argmax())
        peak = dict(zip(codes, use[:, at].tolist(), strict=True))
        known = not missing.any()
        parts = split_by_column(supply, peak, parameters, known=known)
        start = windows[codes[0]].grid.start_of(at)
        source = Source("readings", "", f"{parameters.window_minutes}-minute window from {start}")
        figures = tuple(
            Figure(f"use of {code} at the peak", from_micro(peak[code]), "kWh", source)
            for code in codes
            if known
        )
        sheet = Worksheet(
            "Shared by coincident peak",
            (),
            figures=(supply_figure(supply), *figures, *part_figures(parts)),
        )
        return Allocation(parts, sheet, dict(carry_in))
