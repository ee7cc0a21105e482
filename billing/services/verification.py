"""Compute an issued invoice again and compare every byte that can be compared."""

from billing.documents import stored_cancellation, stored_pdf
from billing.models import Invoice
from billing.queries import carbon_of, invoice_by_number, lines_of
from billing.services.document import Issue, build_document
from billing.services.void import build_cancellation
from esg.services import verify_emission_run
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Conflict, DomainError
from poweroptix.kernel.period import zone_of
from settlement.services import verify_run
from settlement.services.verification import Report


def verify_invoice(invoice: Invoice | str) -> Report:
    """Recompute settlement, energy, carbon, document and check the stored PDF of an invoice.

    Takes an invoice or its number. Never raises for a difference; NotFoundError for an unknown
    number, Conflict for a draft.
    """
    if isinstance(invoice, str):
        invoice = invoice_by_number(invoice)
    if invoice.document is None:
        raise Conflict("billing.state", f"{invoice} is not issued; there is nothing to verify.")
    report = Report(f"invoice {invoice.number}{_void_words(invoice)}", state=invoice.state)
    run = verify_run(invoice.run)
    report.compared |= run.compared
    report.differences += run.differences
    carbon = carbon_of(invoice.run)
    if carbon is not None:
        account = verify_emission_run(carbon.run)
        report.compared["carbon lines"] = account.lines
        report.differences += [f"Carbon: {problem}." for problem in account.differences]
    _document(report, invoice)
    _lines(report, invoice)
    _pdf(report, invoice)
    _cancellation(report, invoice)
    return report


def _void_words(invoice: Invoice) -> str:
    """Return what stands behind the number of an invoice on which nothing is due."""
    if not invoice.is_void:
        return ""
    day = invoice.voided_at.astimezone(zone_of(invoice.contract.zone)).date()
    return f", VOID since {day}, nothing is due"


def _document(report: Report, invoice: Invoice) -> None:
    """Compare the stored document with its digest and with the one that is built again.

    Names and addresses may have changed since; the figures may not, so both documents are
    compared without what was master data then. An entry that documents did not have yet when the
    invoice was issued is not asked for; the digest shows that none was taken out.
    """
    stored = invoice.document
    report.compared["document bytes"] = len(canonical_json(stored))
    if sha256(canonical_json(stored)) != invoice.content_sha256:
        report.differences.append("The document does not have its digest.")
    issue = Issue(
        number=invoice.number,
        issued_at=invoice.issued_at,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        issued_by=invoice.issued_by,
    )
    try:
        again = build_document(invoice, issue)
    except DomainError as error:
        report.differences.append(f"The document cannot be built again: {error.message}")
        return
    if stored.get("carbon") is None:
        again["carbon"] = None
    for name in COMPUTED:
        if name in stored and canonical_json(stored[name]) != canonical_json(again.get(name)):
            report.differences.append(f"The document's '{name}' differs from its computation.")


COMPUTED = (
    *("schema", "number", "issued_at", "issue_date", "due_date", "currency", "period", "run"),
    *("lines", "total", "usage", "series", "interval_csv_sha256", "carbon", "replaces"),
)


def _lines(report: Report, invoice: Invoice) -> None:
    said = [
        (line["position"], line["line_code"], line["label"], line["amount"])
        for line in invoice.document["lines"]
    ]
    rows = [
        (row.position, row.line_code, row.label, format(row.amount_usd, "f"))
        for row in lines_of(invoice)
    ]
    if said != rows:
        report.differences.append("The lines in the table are not those of the document.")
    if format(invoice.total_usd, "f") != invoice.document["total"]:
        report.differences.append("The total in the table is not that of the document.")


def _pdf(report: Report, invoice: Invoice) -> None:
    try:
        report.compared["pdf bytes"] = len(stored_pdf(invoice))
    except DomainError as error:
        report.differences.append(error.message)


def _cancellation(report: Report, invoice: Invoice) -> None:
    """Compare the notice of a void invoice with its digest, its facts and its stored PDF.

    Invoices that were declared void before there were notices have none.
    """
    notice = invoice.cancellation
    if notice is None:
        return
    if sha256(canonical_json(notice)) != invoice.cancellation_sha256:
        report.differences.append("The cancellation notice does not have its digest.")
    again = build_cancellation(invoice, invoice.voided_at, invoice.void_reason)
    report.differences += [
        f"The cancellation notice's '{name}' differs from the invoice."
        for name in again
        if canonical_json(notice.get(name)) != canonical_json(again[name])
    ]
    try:
        report.compared["cancellation bytes"] = len(stored_cancellation(invoice))
    except DomainError as error:
        report.differences.append(error.message)
