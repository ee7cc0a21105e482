"""By the energy that a member used in the month."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from settlement.sharing._base import ByEnergy, Claims, Measured, money_keys
from settlement.weighing._base import Weighing


@money_keys.register("energy_used@1")
class EnergyUsed(ByEnergy):
    """kWh of the days on which a member takes part; energy fed back counts against it, to 0."""

    title = "By metered use"
    Parameters = Measured

    def weigh_use(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by kWh."""
        weights = {
            code: None if own is None else max(Fraction(own.total()), Fraction(0))
            for code, own in claims.use.items()
        }
        words = f"{parameters.quantity} energy of the month"
        return Weighing("kWh", weights, {code: words for code, own in claims.use.items() if own})
