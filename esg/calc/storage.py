"""Weighted-average stored carbon of a battery: it holds the kilograms of what charged it.

State on the stored side: energy in micro-kWh and milligrams per gas.

    charge c at m milligrams:   E += c x eta_charge;  M += m
    standby loss z:             E -= z;               M stays (concentration rises)
    discharge d:                w = d / eta_discharge;  share = w / E;  m = M x share

Charging takes the pool of its interval, discharging the state at the start of the interval, so
there is no circle. What is discharged beyond the recorded stock carries nothing: it was charged
before the record began.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from poweroptix.kernel.rounding import to_integer

from .gases import ALL_GASES

#: Below a thousandth of a watt-hour a store is empty and gives away what mass is left.
EMPTY_MICRO_KWH = 1


@dataclass
class Store:
    """One battery. Efficiencies are ratios in (0, 1]; stock in micro-kWh, masses in milligrams."""

    code: str
    eta_charge: Fraction
    eta_discharge: Fraction
    stock_micro_kwh: Fraction = Fraction(0)
    masses_mg: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ALL_GASES, 0))
    unknown_origin_micro_kwh: Fraction = Fraction(0)

    def charge(self, micro_kwh: int, masses_mg: dict[str, int]) -> None:
        """Add energy (metered at the terminals) and the milligrams it brought."""
        self.stock_micro_kwh += micro_kwh * self.eta_charge
        for gas, mass in masses_mg.items():
            self.masses_mg[gas] += mass

    def stand(self, lost_micro_kwh: int) -> None:
        """Lose stored energy but no carbon."""
        self.stock_micro_kwh = max(Fraction(0), self.stock_micro_kwh - lost_micro_kwh)

    def discharge(self, micro_kwh: int) -> dict[str, int]:
        """Take energy (metered at the terminals); return the milligrams that leave with it."""
        if micro_kwh == 0:
            return dict.fromkeys(ALL_GASES, 0)
        wanted = micro_kwh / self.eta_discharge
        taken = min(wanted, self.stock_micro_kwh)
        self.unknown_origin_micro_kwh += wanted - taken
        left = self.stock_micro_kwh - taken
        if left < EMPTY_MICRO_KWH:
            out, self.masses_mg = self.masses_mg, dict.fromkeys(ALL_GASES, 0)
            self.stock_micro_kwh = Fraction(0)
            return out
        share = taken / self.stock_micro_kwh
        out = {gas: to_integer(mass * share) for gas, mass in self.masses_mg.items()}
        self.masses_mg = {gas: mass - out[gas] for gas, mass in self.masses_mg.items()}
        self.stock_micro_kwh = left
        return out

    def state(self) -> dict:
        """Return the state for the next period: JSON-ready, exact."""
        stock = self.stock_micro_kwh
        return {
            "stock_micro_kwh": f"{stock.numerator}/{stock.denominator}",
            "masses_mg": {gas: str(mass) for gas, mass in self.masses_mg.items()},
        }

    @classmethod
    def opened(cls, code: str, eta_charge: Fraction, eta_discharge: Fraction, state: dict | None):
        """Return a store that goes on from the state of the period before (None: empty)."""
        store = cls(code, eta_charge, eta_discharge)
        if state:
            store.stock_micro_kwh = Fraction(state["stock_micro_kwh"])
            store.masses_mg.update({gas: int(m) for gas, m in state["masses_mg"].items()})
        return store
