"""By what a member was entitled to and did not use."""

from __future__ import annotations

from typing import Any

from settlement.sharing._base import ByEnergy, Claims, Measured, money_keys
from settlement.weighing._base import Weighing
from settlement.weighing.unused import unused_entitlement


@money_keys.register("unused_entitlement@1")
class UnusedEntitlement(ByEnergy):
    """Sum over the intervals of max(0, entitlement - use), in kWh."""

    title = "By unused entitlement"
    states = "the entitlement in kW"
    Parameters = Measured

    def weigh_use(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by unused kWh of the member's own intervals."""
        return unused_entitlement(
            {
                code: [
                    (stay.weight, stay.stated(code), claims.energy(code, days))
                    for stay, days in stays
                ]
                for code, stays in claims.present().items()
            }
        )
