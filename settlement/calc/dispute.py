"""What a dispute leaves: the undisputed part is paid at the due date, the rest with interest. Pure.

Interest is simple, actual/365, from the day after the original due date to the day of payment
included, on what is found to be owed after all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from contracts.calc.open_items import OpenItem, Payment
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import money

YEAR_DAYS = 365
ZERO = Decimal("0.00")


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


@dataclass(frozen=True)
class Contest:
    """A line of their statement that we do not accept: theirs less ours, and what came of it.

    `credited_usd` is the part by which they gave way, None while the dispute is open: all of the
    difference where our amount holds, nothing where theirs does.
    """

    difference_usd: Decimal
    credited_usd: Decimal | None = None


@dataclass(frozen=True)
class Undisputed:
    """The invoice of a month and what is taken off it by disputes."""

    invoiced_usd: Decimal
    open_usd: Decimal
    credited_usd: Decimal

    @property
    def stays_due_usd(self) -> Decimal:
        """Return what the buyer pays at the due date, whatever becomes of the open disputes."""
        return self.invoiced_usd - self.open_usd - self.credited_usd


def undisputed(
    invoiced_usd: Decimal, contests: Iterable[Contest], *, is_purchase: bool
) -> Undisputed:
    """Return what of the seller's invoice stays due: less what is open, less what was credited.

    Where we buy, the invoice is their statement, and we keep back what they have more than we.
    Where we sell, the invoice is ours, and they keep back what they have less than we. The other
    direction takes nothing off: an invoice below what the buyer reckons is due as it stands, and
    the rest only when it is invoiced as well. So the amount never exceeds the invoice.

    We buy; they bill 100 where we have 90. While it is open 90 are due; afterwards 90 if they
    credit all of it, 94 if they credit 6, 100 if the dispute is denied:

    >>> def due(invoiced, difference, credited, is_purchase):
    ...     one = Contest(Decimal(difference), None if credited is None else Decimal(credited))
    ...     return int(undisputed(Decimal(invoiced), [one], is_purchase=is_purchase).stays_due_usd)
    >>> [due(100, 10, credited, True) for credited in (None, 10, 6, 0)]
    [90, 90, 94, 100]

    We sell and invoiced 100; their statement says 90. If the dispute is granted our amount holds;
    if it is denied, 10 are credited to them:

    >>> [due(100, -10, credited, False) for credited in (None, -10, -6, 0)]
    [90, 100, 96, 90]

    We invoiced 100 and their statement says 110: nobody doubts our invoice. They bill 90 where we
    have 100: their bill is due as it is.

    >>> [due(100, 10, credited, False) for credited in (None, 10, 0)]
    [100, 100, 100]
    >>> [due(90, -10, credited, True) for credited in (None, -10, 0)]
    [90, 90, 90]
    """
    still_open = credited = ZERO
    for one in contests:
        kept_back = one.difference_usd if is_purchase else -one.difference_usd
        if one.credited_usd is None:
            still_open += max(kept_back, ZERO)
        else:
            theirs = ZERO if is_purchase else one.difference_usd
            credited += max(one.credited_usd - theirs, ZERO)
    return Undisputed(invoiced_usd, still_open, credited)


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
