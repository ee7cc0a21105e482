"""By the highest kW that each member took by itself, whenever that was."""

from __future__ import annotations

from typing import Any

from settlement.sharing._base import ByEnergy, Claims, MeasuredInBlocks, money_keys
from settlement.weighing._base import Weighing
from settlement.weighing.peaks import own_peak


@money_keys.register("own_peak@1")
class OwnPeak(ByEnergy):
    """Highest block of the member's own energy, in kW; of equal peaks the earliest is named."""

    title = "By own peak"
    Parameters = MeasuredInBlocks

    def weigh_use(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by each member's own highest block."""
        return own_peak(claims.use, parameters.window_minutes)
