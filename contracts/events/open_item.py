"""An amount that fell due under a contract."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import OPEN_ITEM, EventKind, event_kinds
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param


@event_kinds.register(OPEN_ITEM)
class OpenItemDue(EventKind):
    """The local day on which an amount was due, whether or not it was paid in time."""

    title = "Amount due"
    lasts = False

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """Its reference, and the tax in it."""

        reference: str = param(help="Number of the invoice, or of the resolved dispute.")
        amount_usd: Decimal = param(unit="USD", minimum=Decimal("0.01"))
        tax_usd: Decimal = param(unit="USD", minimum=Decimal(0), help="The tax in it; 0 for none.")

        def __post_init__(self) -> None:
            """Refuse an amount that no payment can name."""
            if not self.reference.strip():
                raise Refused("contracts.open_item", "reference: is required")

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        tax = f", {words.dollars(values.tax_usd)} of it tax" if values.tax_usd else ""
        return f"{values.reference} was due: {words.dollars(values.amount_usd)}{tax}"
