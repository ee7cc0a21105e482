"""By the energy that a member used in the month."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from settlement.sharing._base import Claims, Measured, MoneyKey, Weighing, money_keys, unread


@money_keys.register("energy_used@1")
class EnergyUsed(MoneyKey):
    """kWh of the days on which a member takes part; energy fed back counts against it, to 0."""

    title = "By metered use"
    Parameters = Measured

    def weigh(self, claims: Claims, parameters: Any) -> Weighing:
        """Weigh by kWh. One interval without a reading leaves all weights unknown."""
        weights: dict[str, Fraction | None] = {}
        said, findings = {}, []
        for code, stays in claims.present().items():
            parts = [claims.energy(code, days) for _stay, days in stays]
            if any(part is None or part.missing_count for part in parts):
                weights[code], said[code] = None, "not known"
                findings.append(unread(code, parameters.quantity, claims.period.label))
                continue
            used = sum((Fraction(part.total()) for part in parts), Fraction(0))
            weights[code] = max(used, Fraction(0))
            said[code] = f"{parameters.quantity} energy of the month"
        return Weighing("kWh", weights, said, tuple(findings))
