"""What a dispute leaves to pay: the undisputed part when due, and the denied part with interest."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.calc.open_items import OpenItem, Payment
from poweroptix.kernel.errors import Refused


@dataclass(frozen=True)
class Dispute:
    """An invoice of which a part was disputed, and what of that part was granted.

    >>> case = Dispute("INV-7", Decimal("100.00"), date(2026, 9, 20), Decimal("30.00"),
    ...                Decimal("10.00"))
    >>> str(case.undisputed_usd), str(case.credit_usd), str(case.still_owed_usd)
    ('70.00', '-10.00', '20.00')
    """

    reference: str
    invoiced_usd: Decimal
    due_date: date
    disputed_usd: Decimal
    granted_usd: Decimal

    def __post_init__(self) -> None:
        """Refuse a disputed part beyond the invoice, and a granted part beyond the disputed."""
        if not 0 < self.disputed_usd <= self.invoiced_usd:
            text = f"{self.disputed_usd} of {self.invoiced_usd} cannot be disputed"
            raise Refused("settlement.dispute", text)
        if not 0 <= self.granted_usd <= self.disputed_usd:
            text = f"{self.granted_usd} of {self.disputed_usd} disputed cannot be granted"
            raise Refused("settlement.dispute", text)

    @property
    def undisputed_usd(self) -> Decimal:
        """What stays due on the due day."""
        return self.invoiced_usd - self.disputed_usd

    @property
    def credit_usd(self) -> Decimal:
        """The credit note: what was granted, below zero. It was never owed and bears nothing."""
        return -self.granted_usd

    @property
    def still_owed_usd(self) -> Decimal:
        """What was disputed without right: owed since the original due day."""
        return self.disputed_usd - self.granted_usd

    def open_item(self, paid: date | None, tax_usd: Decimal = Decimal(0)) -> OpenItem | None:
        """Return the denied part for the interest of the contract; None where all was granted."""
        if not self.still_owed_usd:
            return None
        payments = [] if paid is None else [Payment(date=paid, amount_usd=self.still_owed_usd)]
        return OpenItem(
            reference=self.reference,
            amount_usd=self.still_owed_usd,
            due_date=self.due_date,
            tax_usd=tax_usd,
            payments=payments,
        )
