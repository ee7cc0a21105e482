"""Export of invoices and their lines; they are made by services, never imported."""

from import_export import fields, resources

from billing.models import Invoice, InvoiceLine


class InvoiceResource(resources.ModelResource):
    """Invoices, one row each; nothing is due on a void one."""

    amount_due = fields.Field(attribute="amount_due", readonly=True)

    class Meta:
        """Columns."""

        model = Invoice
        fields = [
            *("number", "state", "seller__code", "contract__code", "tenant__code", "period"),
            *("currency", "total_usd", "energy_kwh", "estimated_ratio", "co2e_g"),
            *("issue_date", "due_date", "issued_at", "issued_by", "content_sha256", "pdf_sha256"),
            *("amount_due", "voided_at", "void_reason", "cancellation_sha256"),
        ]


class InvoiceLineResource(resources.ModelResource):
    """Invoice lines, one row each."""

    class Meta:
        """Columns."""

        model = InvoiceLine
        fields = [
            *("invoice__number", "invoice__contract__code", "invoice__period", "position"),
            *("line_code", "label", "clause", "quantity", "unit", "rate_text", "amount_usd"),
            "estimated_ratio",
        ]
