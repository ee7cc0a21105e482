"""Invoices: the list, the twin of the paper, and its files with their digests."""

from decimal import Decimal

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from billing import access
from billing.access import File, contracts_of, invoices_of, not_yours, runs_behind
from billing.documents.view import view_of
from billing.models import Invoice
from billing.portal.bars import Bar, bars
from billing.portal.base import TenantPage
from billing.portal.standing import of_invoice
from billing.queries import replaced_by
from poweroptix.pages.downloads import attachment
from poweroptix.pages.lists import Column, Filter, ListPage


def address_of(invoice: Invoice) -> str:
    """Return where an invoice is shown."""
    return reverse("portal-invoice", args=[invoice.number])


class InvoiceList(TenantPage, ListPage):
    """All issued invoices of the tenant."""

    verb = "portal.invoices"
    known_parameters = None  # the list refuses what it does not know itself
    title = "Invoices"
    intro = "Every amount on them can be followed down to the reading of a meter."
    name = "invoices"
    template_name = "portal/invoices.html"
    default_sort = "-period"
    search = ("number", "contract__code", "period")
    columns = (
        Column("number", "Number", sort="number", link=address_of),
        Column("period", "Month", sort="period"),
        Column("contract__code", "Contract", sort="contract__code"),
        Column("issue_date", "Issued", sort="issue_date"),
        Column(
            "due_date",
            "Due",
            sort="due_date",
            value=lambda i: i.due_date if i.is_issued else "nothing due",
        ),
        Column("energy_kwh", "Energy", kind="energy", sort="energy_kwh"),
        Column("total_usd", "Total", kind="money", sort="total_usd"),
        Column("amount_due", "Amount due", kind="money"),
        Column("state", "State", kind="state", sort="state"),
    )
    empty_title = "No invoice yet"
    empty_text = (
        "The first one is issued after the first month is over and its readings are checked."
    )

    @property
    def filters(self):
        """Return the choices above the list, of this tenant alone."""
        rows = invoices_of(self.tenant_id).order_by()
        return (
            Filter("state", "State", lambda: [("ISSUED", "Issued"), ("VOID", "Void")]),
            Filter(
                "year",
                "Year",
                lambda: [
                    (year, year)
                    for year in sorted({p[:4] for p in rows.values_list("period", flat=True)})
                ],
                "period__startswith",
            ),
        )

    def rows(self):
        """Return the invoices."""
        return invoices_of(self.tenant_id)

    def extra(self):
        """Return the zone of the foot line."""
        contracts = contracts_of(self.tenant_id)
        return {"zone": contracts[0].zone if contracts else "UTC"}

    def get(self, request, *args, **kwargs):
        """Show the list; what it does not know gets the same answer as everything unknown."""
        try:
            return super().get(request, *args, **kwargs)
        except Http404 as fault:
            raise not_yours() from fault


class InvoicePage(TenantPage, View):
    """One invoice as on paper; each line leads to its explanation."""

    verb = "portal.invoices"

    def get(self, request, number):
        """Show it."""
        invoice = access.invoice(self.tenant_id, number)
        document = invoice.document
        runs = [
            run
            for run in runs_behind(self.tenant_id, [invoice.period], {invoice.run_id})
            if run.contract_id == invoice.contract_id
        ]
        context = {
            "invoice": invoice,
            "v": view_of(document, invoice.content_sha256),
            "zone": document["period"]["zone"],
            "chart": _chart(document["usage"]["days"]),
            "files": _files(invoice),
            "standing": of_invoice(invoice.run_id, runs),
            "replaced_by": replaced_by(invoice) if invoice.is_void else None,
            "replaces": document.get("replaces"),
        }
        return render(request, "portal/invoice.html", context)


class InvoiceFile(TenantPage, View):
    """A file of an invoice, exactly as it was issued."""

    verb = "portal.invoices"

    def get(self, request, number, form):
        """Hand it out; a file whose digest is not the printed one is never handed out."""
        return file_response(self.tenant_id, number, form)


FORMS = {
    "pdf": access.pdf_file,
    "csv": access.interval_file,
    "json": access.document_file,
    "cancellation": access.cancellation_file,
}


def file_response(tenant_id: int, number: str, form: str) -> HttpResponse:
    """Return pdf, csv (every interval), json (the whole document) or the cancellation notice."""
    if form not in FORMS:
        raise not_yours()
    file: File = FORMS[form](tenant_id, number)
    response = attachment(file.content, file.name, file.content_type)
    response["X-Content-SHA256"] = file.sha256
    return response


def _files(invoice: Invoice) -> list[dict]:
    notice = ("cancellation", "cancellation (PDF)", "says that nothing is due any more")
    forms = (
        *([(*notice, invoice.cancellation_pdf_sha256)] if invoice.cancellation else []),
        ("pdf", "PDF", f"the invoice on paper{_as_issued(invoice)}", invoice.pdf_sha256),
        ("csv", "CSV", "every interval behind it", invoice.document["interval_csv_sha256"]),
        ("json", "JSON", "the whole document for programs", invoice.content_sha256),
    )
    return [
        {
            "form": form,
            "name": name,
            "what": what,
            "sha256": digest,
            "url": reverse("portal-invoice-file", args=[invoice.number, form]),
        }
        for form, name, what, digest in forms
    ]


def _as_issued(invoice: Invoice) -> str:
    """Return what a frozen paper does not say itself: that it no longer counts."""
    return ", as it was issued; it is void" if invoice.is_void else ""


def _chart(days: list[dict]):
    rows = [
        Bar(
            str(int(day["date"][8:])) if int(day["date"][8:]) % 2 else "",
            Decimal(day["kwh"]) / 1000,
            "f2" if Decimal(day["estimated_kwh"]) else "f1",
            f"{day['weekday']} {day['date']}: {Decimal(day['kwh']) / 1000:,.3f} MWh",
        )
        for day in days
    ]
    return bars(rows, "MWh", "Energy of each day in MWh", is_wide=True)
