"""Split by each member's own highest window, whenever it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series
from settlement.allocation._base import ByWeight, PoolParameters, allocation_keys
from settlement.weighing import peaks
from settlement.weighing._base import Weighing
from settlement.weighing.stated import check_members


@allocation_keys.register("own_peak@1")
class OwnPeak(ByWeight):
    """Supply x highest window of a member / sum of all their highest; one share all period."""

    title = "By own peak"
    heading = "Shared by own peak"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        window_minutes: int = param(
            unit="minutes",
            choices=(5, 15, 30, 60),
            help="Length of the window in which a peak is measured.",
        )

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Find each member's highest window; a missing use leaves it unknown."""
        check_members(list(claims))
        return peaks.own_peak(claims, parameters.window_minutes)
