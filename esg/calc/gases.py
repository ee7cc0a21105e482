"""Greenhouse gases and the weights that turn their masses into CO2e."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from poweroptix.kernel.errors import Refused

#: Gases of an inventory, in print order. Methane keeps its origin because AR6 weighs it apart.
GASES = ("CO2", "CH4_FOSSIL", "CH4_NONFOSSIL", "N2O")
#: Carbon dioxide of biogenic fuel: measured and shown, but outside the scopes and outside CO2e.
BIOGENIC = "CO2_BIOGENIC"
ALL_GASES = (*GASES, BIOGENIC)
NAMES = {
    "CO2": "CO2",
    "CH4_FOSSIL": "CH4 (fossil)",
    "CH4_NONFOSSIL": "CH4 (non-fossil)",
    "N2O": "N2O",
    "CO2_BIOGENIC": "CO2 (biogenic)",
}


@dataclass(frozen=True)
class GwpSet:
    """100-year global warming potentials of one assessment report, kg CO2e per kg of gas."""

    name: str
    values: Mapping[str, Decimal]

    def weight(self, gas: str) -> Decimal:
        """Return the weight of a gas; biogenic CO2 weighs nothing. Refused for an unknown gas."""
        if gas == BIOGENIC:
            return Decimal(0)
        if gas not in self.values:
            raise Refused(
                "esg.gwp_unknown",
                f"The GWP set {self.name} has no value for {gas}; "
                f"it has {', '.join(sorted(self.values)) or 'none'}.",
                gas=gas,
            )
        return self.values[gas]

    def co2e(self, masses: Mapping[str, Decimal]) -> Decimal:
        """Return the exact CO2e of masses per gas, in the unit of the masses.

        >>> ar5 = GwpSet("AR5", {"CO2": Decimal(1), "CH4_FOSSIL": Decimal(28), "N2O": Decimal(265)})
        >>> ar5.co2e({"CO2": Decimal("53.06"), "CH4_FOSSIL": Decimal("0.001"),
        ...           "N2O": Decimal("0.0001")})
        Decimal('53.1145')
        """
        return sum((self.weight(gas) * mass for gas, mass in masses.items()), Decimal(0))


def rebase(gas: str, baked_gwp_set: str, wanted: str) -> None:
    """Refuse to weigh again what the publisher has already weighed with another set."""
    if gas == "CO2e" and baked_gwp_set != wanted:
        raise Refused(
            "esg.gwp_baked_in",
            f"This factor is CO2e with {baked_gwp_set} inside; it cannot be re-based to {wanted}. "
            "Use the factors per gas.",
        )
