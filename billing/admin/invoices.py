"""Invoices, their lines and number series: looked at here, changed by services alone."""

from django.contrib import admin, messages

from billing.models import Invoice, InvoiceLine, NumberSeries
from billing.resources import InvoiceLineResource, InvoiceResource
from billing.services import issue_invoice, verify_invoice
from poweroptix.accounts.permissions import may
from poweroptix.adminkit import (
    ExportAdmin,
    ExportMixin,
    ReadOnly,
    ReadOnlyAdmin,
    ReadOnlyInline,
    badge,
    columns_of,
)
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError

TONES = {"DRAFT": "info", "ISSUED": "good", "VOID": "bad"}


class LineInline(ReadOnlyInline):
    """Lines of an invoice."""

    model = InvoiceLine
    fields = ["position", "label", "clause", "quantity", "unit", "rate_text", "amount_usd"]
    readonly_fields = fields


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly, ExportAdmin):
    """Invoices; drafting, issuing and voiding are services with their own checks."""

    resource_classes = [InvoiceResource]
    list_display = [
        *("__str__", "contract", "period", "shown_state", "total_usd", "currency", "due_date"),
        "issued_by",
    ]
    list_filter = ["state", "period", "seller", "contract"]
    list_select_related = ["contract", "seller"]
    search_fields = ["number", "contract__code", "tenant__name", "content_sha256", "pdf_sha256"]
    exclude = ["document", "cancellation"]
    inlines = [LineInline]
    actions = ["issue", "verify"]

    def get_queryset(self, request):
        """Leave the documents where they are."""
        return super().get_queryset(request).defer("document", "cancellation")

    @admin.display(description="state", ordering="state")
    def shown_state(self, obj):
        """State as a badge."""
        return badge(obj.get_state_display(), TONES[obj.state])

    def has_issue_permission(self, request):
        """Whether the visitor may issue."""
        return may(request.user, "billing.issue")

    @admin.action(description="Issue the chosen drafts", permissions=["issue"])
    def issue(self, request, queryset):
        """Issue drafts one by one; a refusal says everything that is missing."""
        for invoice in queryset:
            try:
                issued = issue_invoice(invoice, actor=Actor.of_user(request.user), now=now())
            except DomainError as fault:
                self.message_user(request, f"{invoice}: {fault.message}", messages.ERROR)
                continue
            self.message_user(request, f"Issued as {issued.number}")

    @admin.action(description="Compute again and compare", permissions=["view"])
    def verify(self, request, queryset):
        """Verify issued invoices."""
        for invoice in queryset.exclude(number=None):
            report = verify_invoice(invoice)
            if report.ok:
                self.message_user(request, f"{invoice.number}: the same to the byte")
            for text in report.differences:
                self.message_user(request, f"{invoice.number}: {text}", messages.ERROR)


@admin.register(InvoiceLine)
class InvoiceLineAdmin(ReadOnly, ExportAdmin):
    """Lines of all invoices."""

    resource_classes = [InvoiceLineResource]
    list_display = ["invoice", "position", "label", "quantity", "unit", "rate_text", "amount_usd"]
    list_filter = ["line_code", "invoice__period", "invoice__contract"]
    list_select_related = ["invoice"]
    search_fields = ["invoice__number", "label"]


@admin.register(NumberSeries)
class NumberSeriesAdmin(ExportMixin, ReadOnlyAdmin):
    """The next number of each seller."""

    resource_classes = [
        columns_of(
            NumberSeries,
            "seller__code",
            "prefix",
            "next_number",
        )
    ]
    list_display = ["prefix", "seller", "next_number"]
    list_select_related = ["seller"]
    search_fields = ["prefix", "seller__name"]
