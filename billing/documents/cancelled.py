"""The cancellation notice as paper shows it, from its frozen document alone."""

from typing import Any

from .text import day, money
from .view import monogram


def cancellation_view(document: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return everything the notice prints. `digest` is the SHA-256 of its document."""
    invoice, number, currency = document["invoice"], document["number"], document["currency"]
    seller, period = document["seller"], invoice["period"]
    total, since = money(invoice["total"], currency), day(document["void_date"])
    return {
        "title": f"Cancellation of invoice {number}",
        "number": number,
        "stamp": document["voided_at"],
        "paper": document["paper"],
        "seller": seller,
        "logo": seller["logo"],
        "monogram": monogram(seller["legal_name"]),
        "customer": document["customer"],
        "service": f"{document['campus']['name']}, contract {document['contract']['code']}",
        "period": f"{period['title']}, {day(period['first_date'])} to {day(period['last_date'])}",
        "due": money(document["amount_due"], currency),
        "since": since,
        "sentence": f"Invoice {number} of {day(invoice['issue_date'])} over {total} is void since "
        f"{since}. Nothing is due on it: do not pay it. What was paid on it already is yours; "
        "your contact settles it with you.",
        "reason": document["reason"],
        "foot": f"{seller['legal_name']}  ·  Cancellation of invoice {number}  ·  "
        f"{document['customer']['legal_name']}",
        "contact": document["contact"],
        "facts": [
            ("Invoice", number),
            ("Issued", day(invoice["issue_date"])),
            ("Was due", day(invoice["due_date"])),
            ("Amount as issued", total),
            ("Amount due now", money(document["amount_due"], currency)),
        ],
        "proofs": [
            ("Digest of this notice", digest),
            ("Digest of the invoice document", invoice["content_sha256"]),
            ("Digest of the invoice PDF", invoice["pdf_sha256"]),
        ],
    }
