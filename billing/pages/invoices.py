"""Invoices for the back office: drafts from approved runs, issue, downloads."""

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from billing.documents import stored_cancellation, stored_pdf
from billing.documents.text import amount_of, rate
from billing.models import Invoice, InvoiceLine
from billing.queries import lines_of, next_number, replaced_by, replaces, runs_to_bill
from billing.services import (
    discard_draft,
    draft_invoice,
    issue_checks,
    issue_invoice,
    preview_pdf,
    verify_invoice,
    void_invoice,
)
from contracts.models import Contract
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.words import counted
from poweroptix.kernel.worksheet import rate_span
from poweroptix.pages.asked import read_pk
from poweroptix.pages.downloads import attachment
from poweroptix.pages.guards import StaffPage, actor_of, attempt, told
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.models import SettlementRun


def _link(invoice: Invoice) -> str:
    return reverse("office-invoice", args=[invoice.pk])


class InvoiceList(StaffPage, ListPage):
    """All invoices; above them the approved runs that are not billed yet."""

    verb = "billing.view"
    write_verb = "billing.draft"
    title = "Invoices"
    intro = "A number is given when the invoice is issued; from then on nothing on it can change."
    name = "invoices"
    template_name = "billing/invoices.html"
    search = ("number", "contract__code", "tenant__name")
    columns = (
        Column("number", "Number", sort="number", link=_link, value=lambda i: i.number or "draft"),
        Column("contract__code", "Contract", sort="contract__code", link=_link),
        Column("period", "Month", sort="period"),
        Column("state", "State", kind="state", sort="state"),
        Column("issue_date", "Issued", kind="day", sort="issue_date"),
        Column(
            "due_date",
            "Due",
            sort="due_date",
            value=lambda i: "nothing due" if i.is_void else i.due_date,
        ),
        Column("energy_kwh", "Energy", kind="energy"),
        Column("total_usd", "Total", kind="money", sort="total_usd"),
    )
    filters = (
        Filter("state", "State", lambda: Invoice.State.choices),
        Filter(
            "contract",
            "Contract",
            lambda: [(c, c) for c in Contract.objects.values_list("code", flat=True)],
            "contract__code",
        ),
        Filter(
            "due",
            "Due",
            lambda: [("past", "Past its date")],
            narrow=lambda rows, _past: rows.filter(state="ISSUED", due_date__lt=now().date()),
        ),
    )
    empty_title = "No invoice yet"
    empty_text = "Approve a settlement run first."

    def rows(self):
        """Return all invoices."""
        return Invoice.objects.select_related("contract", "tenant").defer(
            "document", "cancellation"
        )

    def extra(self):
        """Return approved runs without an invoice."""
        waiting = (
            runs_to_bill()
            .select_related("contract")
            .defer("inputs")
            .order_by("period", "contract__code")
        )
        return {"waiting": waiting, "may_draft": may(self.request.user, "billing.draft")}

    def post(self, request):
        """Draft the invoice of an approved run."""
        run = get_object_or_404(
            SettlementRun.objects.select_related("contract"), pk=read_pk(request.POST.get("run"))
        )
        made = []

        def act() -> str:
            made.append(draft_invoice(run, actor=actor_of(request), now=now()))
            return "The draft is ready; read it and issue it."

        done = attempt(request, act)
        return redirect("office-invoice", pk=made[0].pk) if done else redirect("office-invoices")


class InvoicePage(StaffPage, View):
    """One invoice."""

    verb = "billing.view"

    def get(self, request, pk):
        """Show it with what stands in the way of issuing."""
        invoice = self._invoice(pk)
        checks = issue_checks(invoice) if invoice.state == "DRAFT" else []
        context = {
            "invoice": invoice,
            "lines": [
                {
                    "line": line,
                    "amount": amount_of(line.quantity, line.unit),
                    "rate": _rate(line),
                }
                for line in lines_of(invoice)
            ],
            "zone": invoice.contract.zone,
            "customer": invoice.contract.offtaker.legal_name or invoice.contract.offtaker.name,
            "next_number": "" if invoice.number else next_number(invoice.seller),
            "replaced_by": replaced_by(invoice) if invoice.is_void else None,
            "replaces": replaces(invoice),
            "checks": checks,
            "blocked": any(one.severity == Severity.BLOCK for one in checks),
            "may_draft": may(request.user, "billing.draft"),
            "may_issue": may(request.user, "billing.issue"),
            "may_void": may(request.user, "billing.void"),
        }
        return render(request, "billing/invoice_office.html", context)

    def post(self, request, pk):
        """Issue, void, verify, or throw a draft away."""
        invoice, actor = self._invoice(pk), actor_of(request)
        reason = request.POST.get("reason", "").strip()

        def issue() -> str:
            return f"Issued as {issue_invoice(invoice, actor=actor, now=now()).number}."

        def void() -> str:
            void_invoice(invoice, actor=actor, now=now(), reason=reason)
            return f"{invoice.number} is void: nothing is due on it. The notice is kept with it."

        def discard() -> str:
            discard_draft(invoice, actor=actor, reason=reason)
            return "The draft is gone; the run can be drafted again."

        def verify() -> str:
            said = told(verify_invoice(invoice))
            return f"{said} The invoice is void: nothing is due." if invoice.is_void else said

        actions = {"issue": issue, "void": void, "verify": verify, "discard": discard}
        action = request.POST.get("action", "")
        if action in actions and attempt(request, actions[action]) and action == "discard":
            return redirect("office-invoices")
        return redirect("office-invoice", pk=pk)

    @staticmethod
    def _invoice(pk: int) -> Invoice:
        return get_object_or_404(
            Invoice.objects.select_related("contract__offtaker", "tenant", "seller", "run"), pk=pk
        )


def _rate(line: InvoiceLine) -> str:
    """Return the rate of a line; where it has several, how many and from which to which."""
    if line.rate_text:
        return rate(line.rate_text)
    count, least, most = rate_span(line.settlement_line.worksheet)
    told = counted(count, "rate")
    return f"{told}, {rate(least)} to {rate(most)}" if least else told


class InvoiceFile(StaffPage, View):
    """The stored PDF, the frozen document as JSON, or the notice that the invoice is void."""

    verb = "billing.view"

    def get(self, _request, pk, form):
        """Hand out what was stored when the invoice was issued."""
        invoice = get_object_or_404(Invoice, pk=pk)
        if form == "pdf" and invoice.state == "DRAFT":
            return attachment(preview_pdf(invoice), f"draft-{invoice.pk}.pdf", "application/pdf")
        if invoice.document is None:
            raise Http404
        if form == "cancellation":
            if invoice.cancellation is None:
                raise Http404
            name = f"{invoice.number}-cancellation.pdf"
            return attachment(stored_cancellation(invoice), name, "application/pdf")
        if form == "pdf":
            return attachment(stored_pdf(invoice), f"{invoice.number}.pdf", "application/pdf")
        return attachment(
            canonical_json(invoice.document), f"{invoice.number}.json", "application/json"
        )
