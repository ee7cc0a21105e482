"""Issue an invoice: number, document and PDF in one transaction, or nothing at all."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from billing.documents.pdf import invoice_pdf
from billing.documents.store import keep_pdf
from billing.models import Invoice, numbered
from billing.services.checks import issue_checks
from billing.services.document import Issue, build_document
from contracts.models import Party
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.period import zone_of
from settlement.services import mark_invoiced

TAKE = (
    "UPDATE billing_numberseries SET next_number = next_number + 1 WHERE seller_id = %s"
    " RETURNING prefix, next_number - 1"
)


def issue_invoice(invoice: Invoice, *, actor: Actor, now: datetime) -> Invoice:
    """Issue a draft: take the next number of the seller, freeze the document, make the PDF.

    All in one transaction, so a failure of any step (the PDF too) uses no number. Two at once for
    one seller wait for each other. Refused with findings when a check blocks; Conflict when the
    draft was issued or voided meanwhile; PdfUnavailableError on a machine without PDF libraries.
    """
    require(actor, "billing.issue")
    with transaction.atomic():
        held = (
            Invoice.objects.select_for_update(of=("self",))
            .select_related("contract", "seller", "run__contract")
            .get(pk=invoice.pk)
        )
        if held.state != Invoice.State.DRAFT:
            state = held.get_state_display().lower()
            raise Conflict("billing.state", f"{held} is already {state}.")
        _refuse_blocked(issue_checks(held))
        number, serial = take_number(held.seller)
        issue_date = now.astimezone(zone_of(held.contract.zone)).date()
        issue = Issue(
            number=number,
            issued_at=now,
            issue_date=issue_date,
            due_date=issue_date + timedelta(days=held.contract.payment_days),
            issued_by=str(actor),
        )
        document = build_document(held, issue)
        pdf = invoice_pdf(document)
        _freeze(held, issue, serial, document, pdf)
        if held.run.state in ("APPROVED", "LOCKED"):
            mark_invoiced(held.run, actor=actor)
        record(
            "billing.issue",
            held,
            actor=actor,
            after={
                "number": number,
                "total_usd": held.total_usd,
                "content_sha256": held.content_sha256,
                "pdf_sha256": held.pdf_sha256,
            },
        )
    return held


def _refuse_blocked(findings: list[Finding]) -> None:
    blocking = [finding for finding in findings if finding.severity == Severity.BLOCK]
    if blocking:
        text = " ".join(finding.message for finding in blocking)
        raise Refused("billing.not_ready", f"Not ready to issue: {text}", findings=blocking)


def take_number(seller: Party) -> tuple[str, int]:
    """Take the next number of a seller, for good if and only if the transaction commits.

    The row stays locked to the end of the transaction, which is what keeps the series gapless.
    Refused when another seller already uses the prefix.
    """
    prefix = (seller.invoice_prefix or seller.code).upper()
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [seller.pk])
        row = cursor.fetchone()
        if row is None:
            # Whichever unique index a first issue meanwhile filled (naming one lets the other
            # raise): wait for it, then take from its row.
            cursor.execute(
                "INSERT INTO billing_numberseries (seller_id, prefix, next_number)"
                " VALUES (%s, %s, 1) ON CONFLICT DO NOTHING",
                [seller.pk, prefix],
            )
            cursor.execute(TAKE, [seller.pk])
            row = cursor.fetchone()
    if row is None:
        raise Refused(
            "billing.prefix_taken",
            f"Another seller numbers its invoices with {prefix}; give {seller.name} a prefix of "
            "its own.",
        )
    prefix, serial = row
    return numbered(prefix, serial), serial


def _freeze(held: Invoice, issue: Issue, serial: int, document: dict, pdf: bytes) -> None:
    held.state = Invoice.State.ISSUED
    held.number, held.serial = issue.number, serial
    held.issued_at, held.issued_by = issue.issued_at, issue.issued_by
    held.issue_date, held.due_date = issue.issue_date, issue.due_date
    held.document = document
    held.content_sha256 = sha256(canonical_json(document))
    held.pdf_sha256, held.pdf_bytes = sha256(pdf), len(pdf)
    held.pdf = keep_pdf(pdf, held.pdf_sha256)
    held.save()


def preview_pdf(invoice: Invoice) -> bytes:
    """Return how a draft would look, marked as a draft; nothing is stored."""
    if invoice.state != Invoice.State.DRAFT:
        raise Conflict("billing.state", f"{invoice} is not a draft; open its stored PDF.")
    return invoice_pdf(build_document(invoice))
