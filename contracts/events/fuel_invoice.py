"""What the gas of a time cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register("fuel_invoice@1")
class FuelInvoice(EventKind):
    """An invoice for gas that was delivered in a time, transport included."""

    title = "Fuel invoice"

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """Volume and amount."""

        volume_mmbtu: Decimal = param(
            unit="MMBtu", minimum=Decimal("0.001"), maximum=Decimal(1_000_000_000), help="HHV."
        )
        amount_usd: Decimal = param(unit="USD", minimum=Decimal(0), maximum=Decimal(10_000_000_000))

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        amount = words.dollars(values.amount_usd)
        return f"Invoice for {words.number(values.volume_mmbtu)} MMBtu of gas: {amount}"
