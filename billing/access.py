"""The one door through which a tenant's people and tokens reach invoices.

Every function takes the tenant and answers for another tenant's object exactly as for one that
does not exist: NotFoundError "billing.unknown". Drafts do not exist here either.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from billing.calc.intervals import interval_table
from billing.documents import stored_pdf
from billing.documents.intervals_csv import interval_csv
from billing.models import Invoice, InvoiceLine
from billing.queries import inputs_of, lines_of, reading_versions
from esg.models import EmissionLine
from poweroptix.accounts.models import Tenant
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import NotFoundError
from settlement.models import SettlementRun

LIST_DEFERRED = ("document", "void_reason")


@dataclass(frozen=True)
class File:
    """A download: name, type, bytes and their SHA-256."""

    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Return the digest of the content."""
        return sha256(self.content)


def invoices_of(tenant: Tenant | int) -> QuerySet[Invoice]:
    """Return the tenant's issued and void invoices, newest first, as a list shows them."""
    return (
        Invoice.objects.filter(tenant=_id(tenant), number__isnull=False)
        .select_related("contract", "contract__campus")
        .defer(*LIST_DEFERRED)
        .order_by("-period", "contract__code", "-issued_at")
    )


def invoice(tenant: Tenant | int, number: str) -> Invoice:
    """Return one invoice of the tenant by its number, with contract, campus and seller."""
    found = (
        Invoice.objects.filter(tenant=_id(tenant), number=number)
        .select_related("contract__campus", "seller")
        .first()
    )
    if found is None:
        raise _unknown(number)
    return found


def lines(tenant: Tenant | int, number: str) -> list[InvoiceLine]:
    """Return the lines of an invoice in print order, each with its settlement line."""
    return lines_of(invoice(tenant, number))


def line(tenant: Tenant | int, number: str, position: int) -> InvoiceLine:
    """Return one line of an invoice by its position."""
    found = (
        InvoiceLine.objects.filter(tenant=_id(tenant), invoice__number=number, position=position)
        .select_related("settlement_line", "invoice__contract__campus")
        .first()
    )
    if found is None:
        raise NotFoundError("billing.unknown", f"There is no line {position} on {number}.")
    return found


def document(tenant: Tenant | int, number: str) -> dict[str, Any]:
    """Return the frozen document of an invoice."""
    return invoice(tenant, number).document


def document_file(tenant: Tenant | int, number: str) -> File:
    """Return the frozen document as canonical JSON, the bytes behind `content_sha256`."""
    content = canonical_json(invoice(tenant, number).document)
    return File(f"{number}.json", "application/json", content)


def pdf_file(tenant: Tenant | int, number: str) -> File:
    """Return the stored PDF; Conflict when the stored bytes are gone or not the issued ones."""
    return File(f"{number}.pdf", "application/pdf", stored_pdf(invoice(tenant, number)))


def interval_file(tenant: Tenant | int, number: str, position: int | None = None) -> File:
    """Return every interval behind an invoice, or behind one of its lines, as CSV."""
    code, suffix = None, ""
    if position is not None:
        code, suffix = line(tenant, number, position).line_code, f"_line{position}"
    found = invoice(tenant, number)
    run = SettlementRun.objects.select_related("contract", "allocation_run").get(pk=found.run_id)
    content = interval_csv(
        interval_table(inputs_of(run), code), run.contract.zone, reading_versions(run)
    )
    name = f"poweroptix_intervals_{number}{suffix}_{found.period}.csv"
    return File(name, "text/csv; charset=utf-8", content)


def carbon_lines(tenant: Tenant | int) -> QuerySet[EmissionLine]:
    """Return the tenant's carbon by month and contract, newest first, of accounts that count."""
    return (
        EmissionLine.objects.filter(tenant=_id(tenant), run__state="CALCULATED")
        .select_related("run", "contract")
        .defer("run__inputs", "run__intensity", "run__sources", "run__findings", "run__carry_out")
        .order_by("-run__period", "contract__code")
    )


def carbon_line(tenant: Tenant | int, contract_code: str, period: str) -> EmissionLine:
    """Return the carbon of one contract and month."""
    found = carbon_lines(tenant).filter(contract__code=contract_code, run__period=period).first()
    if found is None:
        text = f"There is no carbon account of {contract_code} for {period}."
        raise NotFoundError("esg.unknown", text)
    return found


def _id(tenant: Tenant | int) -> int:
    return tenant if isinstance(tenant, int) else tenant.pk


def _unknown(number: str) -> NotFoundError:
    return NotFoundError("billing.unknown", f"There is no invoice {number}.")
