"""The bank of paid deficiencies: what may still be made up, oldest first, until it ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal


@dataclass(frozen=True)
class Paid:
    """A deficiency that was paid in a contract year: what is left of it, and its price."""

    year: int
    quantity: Decimal
    price: Decimal

    def to_json(self) -> dict[str, Any]:
        """Return the entry as it stands in a carry."""
        return {"year": self.year, "quantity": f"{self.quantity:f}", "price": f"{self.price:f}"}


class MakeUpBank:
    """Entries in order of their payment. An entry of year n ends with year n + `years`.

    >>> bank = MakeUpBank([Paid(1, Decimal(5), Decimal(60)), Paid(2, Decimal(9), Decimal(61))], 2)
    >>> [(one.year, str(one.quantity)) for one in bank.draw(Decimal(8))]
    [(1, '5'), (2, '3')]
    >>> str(bank.total)
    '6'
    """

    def __init__(self, entries: Iterable[Paid], years: int) -> None:
        self.entries = list(entries)
        self.years = years

    @property
    def total(self) -> Decimal:
        """All that may still be made up."""
        return sum((one.quantity for one in self.entries), Decimal(0))

    def expire_before(self, year: int) -> Decimal:
        """Drop what ended before a contract year; return how much that was."""
        return self._drop([one for one in self.entries if one.year + self.years < year])

    def ending_with(self, year: int) -> Decimal:
        """Return what ends with a contract year unless it is made up."""
        last = (one.quantity for one in self.entries if one.year + self.years <= year)
        return sum(last, Decimal(0))

    def draw(self, quantity: Decimal) -> list[Paid]:
        """Take a quantity, oldest first; return what was taken from each entry."""
        taken, left = [], quantity
        for at, one in enumerate(self.entries):
            part = min(one.quantity, left)
            if part > 0:
                taken.append(replace(one, quantity=part))
                self.entries[at] = replace(one, quantity=one.quantity - part)
                left -= part
        self.entries = [one for one in self.entries if one.quantity]
        return taken

    def pay(self, year: int, quantity: Decimal, price: Decimal) -> None:
        """Add a deficiency that is paid, where it may be made up at all."""
        if quantity > 0 and self.years:
            self.entries.append(Paid(year, quantity, price))

    def carry_out(self) -> dict[str, Any]:
        """Return what the next month has to know."""
        return {"make_up": [one.to_json() for one in self.entries]} if self.entries else {}

    def _drop(self, ended: list[Paid]) -> Decimal:
        self.entries = [one for one in self.entries if one not in ended]
        return sum((one.quantity for one in ended), Decimal(0))


def paid_of(carry: Mapping[str, Any]) -> list[Paid]:
    """Return the entries of a carry; Refused when they cannot be read.

    >>> paid_of({"make_up": [{"year": 1, "quantity": "14000", "price": "60"}]})
    [Paid(year=1, quantity=Decimal('14000'), price=Decimal('60'))]
    """
    entries = carry.get("make_up", [])
    try:
        return [_paid(entry) for entry in entries]
    except (KeyError, TypeError, ValueError) as error:
        text = f'make_up: {entries!r} is not [{{"year": 1, "quantity": "5", "price": "60"}}]'
        raise Refused("contracts.carry", text) from error


def _paid(entry: Mapping[str, Any]) -> Paid:
    quantity, price = (
        plain_decimal(str(entry[name]), digits=WRITTEN_DIGITS) for name in ("quantity", "price")
    )
    if not isinstance(entry["year"], int) or None in (quantity, price):
        raise ValueError(entry)
    return Paid(entry["year"], quantity, price)
