"""Open items that a running contract brings along: what the counterparty still owed."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.plain import plain_decimal

FIELDS = {"reference", "due_date", "amount"}


def check_open_items(items: Any) -> None:
    """Refuse open items that are not a list of reference, due date and amount in cents.

    >>> check_open_items([{"reference": "2025-118", "due_date": "2025-12-30", "amount": "12.50"}])
    """
    if not isinstance(items, list):
        raise Refused("contracts.open_item", "the open items are not a list")
    for number, item in enumerate(items, start=1):
        where = f"open item {number}"
        if not isinstance(item, Mapping) or set(item) != FIELDS:
            text = f"{where}: give reference, due_date and amount"
            raise Refused("contracts.open_item", text)
        if not str(item["reference"]).strip():
            raise Refused("contracts.open_item", f"{where}: the reference is empty")
        try:
            date.fromisoformat(str(item["due_date"]))
        except ValueError as error:
            text = f"{where}: '{item['due_date']}' is not a date like 2026-01-31"
            raise Refused("contracts.open_item", text) from error
        if amount_of(item) is None:
            text = f"{where}: '{item['amount']}' is not an amount with at most 2 decimals"
            raise Refused("contracts.open_item", text)


def amount_of(item: Mapping[str, Any]) -> Decimal | None:
    """Return the amount of an open item, or None when it cannot be read."""
    amount = plain_decimal(item["amount"])
    if amount is None or amount.as_tuple().exponent < -2:
        return None
    return amount
