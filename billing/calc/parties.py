"""Names, addresses and bank accounts as an invoice prints them."""

from collections.abc import Mapping, Sequence
from typing import Any

COUNTRIES = {
    "US": "United States",
    "USA": "United States",
    "CA": "Canada",
    "MX": "Mexico",
    "GB": "United Kingdom",
    "DE": "Germany",
    "AU": "Australia",
}
LETTER_COUNTRIES = {"US", "USA", "CA", "MX", "UNITED STATES", "CANADA", "MEXICO", "PR", "PH", "CL"}
BANK_LABELS = {
    "bank": "Bank",
    "name": "Account name",
    "routing": "Routing (ABA)",
    "account": "Account",
    "iban": "IBAN",
    "swift": "SWIFT/BIC",
    "bic": "SWIFT/BIC",
    "wire": "Wire instructions",
}
HIDDEN = {"currency"}


def address_lines(address: Mapping[str, Any]) -> list[str]:
    """Return an address as printed lines.

    >>> address_lines({"lines": ["1 Hall Way"], "city": "Lubbock", "state": "TX", "zip": "79401",
    ...                "country": "US"})
    ['1 Hall Way', 'Lubbock, TX 79401', 'United States']
    """
    lines = address.get("lines") or []
    rows = [str(lines)] if isinstance(lines, str) else [str(line) for line in lines]
    code = " ".join(
        str(address[name]) for name in ("state", "zip", "postal_code") if address.get(name)
    )
    place = ", ".join(part for part in (str(address.get("city") or ""), code) if part)
    country = str(address.get("country") or "")
    rows += [place, COUNTRIES.get(country.upper(), country)]
    return [row for row in rows if row]


def bank_rows(bank: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a bank account as labelled rows, in the order people read them."""
    order = {name: at for at, name in enumerate(BANK_LABELS)}
    names = sorted(bank, key=lambda name: (order.get(name, len(order)), name))
    return [
        {
            "label": BANK_LABELS.get(name, name.replace("_", " ").capitalize()),
            "value": str(bank[name]),
        }
        for name in names
        if bank[name] and name not in HIDDEN
    ]


def contact_of(address: Mapping[str, Any]) -> str:
    """Return how to reach the billing desk; empty when the party gives nothing."""
    return ", ".join(str(address[name]) for name in ("email", "phone") if address.get(name))


def paper_of(address: Mapping[str, Any], currency: str) -> str:
    """Return the paper a country prints on: letter or a4; by currency when there is no country."""
    country = str(address.get("country") or "").upper()
    if country:
        return "letter" if country in LETTER_COUNTRIES else "a4"
    return "letter" if currency in {"USD", "CAD", "MXN"} else "a4"


def missing_of(party: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return which of the named things a printed party lacks."""
    return [name for name in names if not party.get(name)]
