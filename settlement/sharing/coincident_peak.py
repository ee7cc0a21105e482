"""By the kW of each member in the block in which all members together took the most."""

from __future__ import annotations

from typing import Any

from settlement.sharing._base import ByEnergy, Claims, MeasuredInBlocks, money_keys
from settlement.weighing._base import Weighing
from settlement.weighing.peaks import coincident_peak


@money_keys.register("coincident_peak@1")
class CoincidentPeak(ByEnergy):
    """kW in the campus peak; of equal peaks the earliest counts."""

    title = "By coincident peak"
    Parameters = MeasuredInBlocks

    def weigh_use(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by kW at the common peak of the members."""
        return coincident_peak(claims.use, parameters.window_minutes)
