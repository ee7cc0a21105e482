"""What a dispute leaves: the undisputed part is paid at the due date, the rest with interest. Pure.

Interest is simple, actual/365, from the day after the original due date to the day of payment
included, on what is found to be owed after all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from contracts.calc.open_items import OpenItem, Payment
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import money

YEAR_DAYS = 365


@dataclass(frozen=True)
class Resolution:
    """The outcome of a dispute in amounts; the interest is empty without a due date and a rate."""

    credited_usd: Decimal
    still_owed_usd: Decimal
    days: int | None
    interest_usd: Decimal | None

    @property
    def final_payment_usd(self) -> Decimal | None:
        """Return what is paid in the end."""
        return None if self.interest_usd is None else self.still_owed_usd + self.interest_usd

    def open_item(
        self, reference: str, due_date: date, paid: date | None, tax_usd: Decimal = Decimal(0)
    ) -> OpenItem | None:
        """Return what is owed after all for the interest of the contract; None where nothing is."""
        if not self.still_owed_usd:
            return None
        payments = [] if paid is None else [Payment(date=paid, amount_usd=self.still_owed_usd)]
        return OpenItem(
            reference=reference,
            amount_usd=self.still_owed_usd,
            due_date=due_date,
            tax_usd=tax_usd,
            payments=payments,
        )


def undisputed(total_usd: Decimal, disputed_usd: Decimal) -> Decimal:
    """Return what stays due.

    >>> str(undisputed(Decimal("2238741.06"), Decimal("88300.00")))
    '2150441.06'
    """
    return total_usd - disputed_usd


def resolve(
    disputed_usd: Decimal,
    credited_usd: Decimal,
    *,
    interest_ratio: Decimal | None = None,
    due_date: date | None = None,
    paid_on: date | None = None,
) -> Resolution:
    """Return what is credited, what is owed after all and its interest.

    `interest_ratio` is the yearly rate (0.0925 is 9.25 %). Refused when more is credited than was
    disputed.

    >>> done = resolve(Decimal("88300.00"), Decimal("53125.40"), interest_ratio=Decimal("0.0925"),
    ...                due_date=date(2026, 1, 1), paid_on=date(2026, 2, 17))
    >>> done.days, str(done.interest_usd), str(done.final_payment_usd)
    (47, '418.96', '35593.56')
    """
    owed = disputed_usd - credited_usd
    if abs(credited_usd) > abs(disputed_usd) or credited_usd * disputed_usd < 0:
        text = f"{credited_usd:,.2f} is not a part of the disputed {disputed_usd:,.2f}."
        raise Refused("dispute.credit", text)
    if interest_ratio is None or due_date is None or paid_on is None:
        return Resolution(credited_usd, owed, None, None)
    days = max((paid_on - due_date).days, 0)
    interest = Fraction(owed) * Fraction(interest_ratio) * days / YEAR_DAYS
    return Resolution(credited_usd, owed, days, money(interest))
