"""Declare an invoice void: nothing is due on it any more, and a notice made once says so."""

from datetime import datetime
from typing import Any

from django.db import transaction

from billing.documents.pdf import cancellation_pdf
from billing.documents.store import keep_pdf
from billing.models import Invoice
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import zone_of

SCHEMA = "poweroptix.cancellation@1"
#: What the notice repeats of the invoice's own document.
REPEATED = ("seller", "customer", "campus", "contract", "contact", "paper", "currency")


def void_invoice(invoice: Invoice, *, actor: Actor, now: datetime, reason: str) -> Invoice:
    """Declare an issued invoice void; number, document and PDF stay as they were issued.

    A cancellation notice is made in the same transaction and frozen like the invoice itself: a
    document with its digest, and a PDF kept under its own. Refused without a reason; Conflict
    unless the invoice is issued; PdfUnavailableError on a machine without PDF libraries.
    """
    require(actor, "billing.void")
    reason = reason.strip()
    if not reason:
        raise Refused("billing.reason", "Say why the invoice is void.")
    with transaction.atomic():
        held = (
            Invoice.objects.select_for_update(of=("self",))
            .select_related("contract")
            .get(pk=invoice.pk)
        )
        if held.state != Invoice.State.ISSUED:
            state = held.get_state_display().lower()
            raise Conflict("billing.state", f"{held} is {state}; only an issued invoice is voided.")
        notice = build_cancellation(held, now, reason)
        pdf = cancellation_pdf(notice)
        held.state = Invoice.State.VOID
        held.voided_by, held.voided_at, held.void_reason = str(actor), now, reason
        held.cancellation, held.cancellation_sha256 = notice, sha256(canonical_json(notice))
        held.cancellation_pdf_sha256 = sha256(pdf)
        held.cancellation_pdf = keep_pdf(pdf, held.cancellation_pdf_sha256)
        held.save(update_fields=["state", *VOID_FIELDS])
        record(
            "billing.void",
            held,
            actor=actor,
            reason=reason,
            after={"number": held.number, "cancellation_sha256": held.cancellation_sha256},
        )
    return held


VOID_FIELDS = (
    *("voided_by", "voided_at", "void_reason", "cancellation", "cancellation_sha256"),
    *("cancellation_pdf", "cancellation_pdf_sha256"),
)


def build_cancellation(invoice: Invoice, voided_at: datetime, reason: str) -> dict[str, Any]:
    """Return the notice as plain canonical data: which invoice, since when, why, nothing due.

    It names digests of the invoice's document and PDF, so both stay tied to each other.
    """
    issued = invoice.document
    return {
        "schema": SCHEMA,
        "number": invoice.number,
        "voided_at": f"{voided_at:%Y-%m-%dT%H:%M:%S.%fZ}",
        "void_date": voided_at.astimezone(zone_of(invoice.contract.zone)).date().isoformat(),
        "reason": reason,
        "amount_due": "0.00",
        **{name: issued[name] for name in REPEATED},
        "invoice": {
            **{name: issued[name] for name in ("issue_date", "due_date", "total", "period")},
            "content_sha256": invoice.content_sha256,
            "pdf_sha256": invoice.pdf_sha256,
        },
    }
