"""A payment of an amount that was due."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import PAYMENT, EventKind, event_kinds
from poweroptix.kernel.parameters import param


@event_kinds.register(PAYMENT)
class PaymentReceived(EventKind):
    """The local day on which an amount, or a part of it, was paid."""

    title = "Payment"
    lasts = False

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """What was paid, and for which amount."""

        reference: str = param(help="Number of the invoice that it pays.")
        amount_usd: Decimal = param(unit="USD", minimum=Decimal("0.01"))

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        return f"{words.dollars(values.amount_usd)} paid for {values.reference}"
