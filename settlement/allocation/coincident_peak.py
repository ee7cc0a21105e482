"""Split by each member's use in the window in which all members together used most."""

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


@allocation_keys.register("coincident_peak@1")
class CoincidentPeak(ByWeight):
    """Supply x use in the peak window of all members / use of all in it; one share all period."""

    title = "By coincident peak"
    heading = "Shared by coincident peak"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(PoolParameters):
        """What the pool has to say."""

        window_minutes: int = param(
            unit="minutes",
            choices=(5, 15, 30, 60),
            help="Length of the window in which the peak is measured.",
        )

    def weigh(self, claims: Mapping[str, Series], parameters: Any) -> Weighing:
        """Find the window with the highest use together; a missing use leaves all unknown."""
        check_members(list(claims))
        return peaks.coincident_peak(claims, parameters.window_minutes)
