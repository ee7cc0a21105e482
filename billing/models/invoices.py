"""Invoices: drafted from an approved run, frozen when issued, never edited afterwards."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q


class Invoice(models.Model):
    """What a tenant owes for a period. Amounts are in `currency`.

    `document` holds everything that is printed; `content_sha256` is the digest of its canonical
    JSON. The PDF was made once, is stored under its own digest and is never made again. A void
    invoice keeps both; its `cancellation` is a notice of its own, frozen in the same way.
    """

    class State(models.TextChoices):
        """Where the invoice stands."""

        DRAFT = "DRAFT", "Draft"
        ISSUED = "ISSUED", "Issued"
        VOID = "VOID", "Void"

    number = models.CharField(max_length=40, null=True, unique=True)  # noqa: DJ001 - none yet
    serial = models.PositiveIntegerField(null=True)
    seller = models.ForeignKey("contracts.Party", on_delete=models.PROTECT, related_name="invoices")
    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, related_name="invoices"
    )
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="invoices")
    run = models.ForeignKey(
        "settlement.SettlementRun", on_delete=models.PROTECT, related_name="invoices"
    )
    period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    first_date = models.DateField()
    last_date = models.DateField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.DRAFT)
    currency = models.CharField(max_length=3)
    total_usd = models.DecimalField("total", max_digits=18, decimal_places=2)
    energy_kwh = models.DecimalField("energy (kWh)", max_digits=24, decimal_places=6, null=True)
    estimated_ratio = models.DecimalField(
        "estimated share", max_digits=9, decimal_places=6, default=0
    )
    co2e_g = models.BigIntegerField("carbon (g CO₂e)", null=True)
    prepared_by = models.CharField(max_length=150)
    prepared_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150, blank=True)
    issued_at = models.DateTimeField(null=True)
    issue_date = models.DateField(null=True)
    due_date = models.DateField(null=True)
    voided_by = models.CharField(max_length=150, blank=True)
    voided_at = models.DateTimeField(null=True)
    void_reason = models.TextField(blank=True)
    cancellation = models.JSONField("cancellation notice", null=True)
    cancellation_sha256 = models.CharField(
        "SHA-256 of the cancellation notice", max_length=64, blank=True
    )
    cancellation_pdf = models.CharField(
        max_length=200, blank=True, help_text="Name in the file storage."
    )
    cancellation_pdf_sha256 = models.CharField(
        "SHA-256 of the cancellation PDF", max_length=64, blank=True
    )
    document = models.JSONField(null=True)
    content_sha256 = models.CharField("SHA-256 of the document", max_length=64, blank=True)
    pdf = models.CharField(max_length=200, blank=True, help_text="Name in the file storage.")
    pdf_sha256 = models.CharField("SHA-256 of the PDF", max_length=64, blank=True)
    pdf_bytes = models.PositiveIntegerField("size of the PDF (bytes)", null=True)

    class Meta:
        """Constraints."""

        ordering = ["-period", "contract", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "serial"], name="invoice_serial_once"),
            models.UniqueConstraint(
                fields=["contract", "period"],
                condition=Q(state__in=["DRAFT", "ISSUED"]),
                name="invoice_period_billed_once",
                violation_error_message="This period of the contract is already billed.",
            ),
            models.CheckConstraint(
                name="invoice_issued_is_complete",
                condition=Q(
                    number__isnull=True,
                    serial__isnull=True,
                    issued_at__isnull=True,
                    document__isnull=True,
                    content_sha256="",
                    pdf_sha256="",
                    state__in=["DRAFT", "VOID"],
                )
                | Q(
                    number__isnull=False,
                    serial__isnull=False,
                    issued_at__isnull=False,
                    issue_date__isnull=False,
                    due_date__gte=F("issue_date"),
                    document__isnull=False,
                    content_sha256__regex="^[0-9a-f]{64}$",
                    pdf_sha256__regex="^[0-9a-f]{64}$",
                    state__in=["ISSUED", "VOID"],
                )
                & ~Q(issued_by=""),
            ),
            models.CheckConstraint(
                name="invoice_void_has_reason",
                condition=~Q(state="VOID")
                | (Q(voided_at__isnull=False) & ~Q(voided_by="") & ~Q(void_reason="")),
            ),
            models.CheckConstraint(
                name="invoice_cancellation_is_complete",
                condition=Q(
                    cancellation__isnull=True, cancellation_sha256="", cancellation_pdf_sha256=""
                )
                | Q(
                    state="VOID",
                    number__isnull=False,
                    cancellation__isnull=False,
                    cancellation_sha256__regex="^[0-9a-f]{64}$",
                    cancellation_pdf_sha256__regex="^[0-9a-f]{64}$",
                ),
            ),
            models.CheckConstraint(
                name="invoice_dates_in_order", condition=Q(last_date__gte=F("first_date"))
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-period"], name="invoice_of_tenant"),
            models.Index(fields=["state", "period"], name="invoice_state"),
        ]

    def __str__(self):
        return self.number or f"draft for {self.contract.code} {self.period}"

    @property
    def is_issued(self) -> bool:
        """Whether the invoice stands: issued and not void."""
        return self.state == self.State.ISSUED

    @property
    def is_void(self) -> bool:
        """Whether the invoice was issued and then declared void: nothing is due on it."""
        return self.state == self.State.VOID

    @property
    def amount_due(self) -> Decimal:
        """What the customer owes by this invoice, in its currency: zero once it is void."""
        return self.total_usd if self.is_issued else Decimal("0.00")

    @property
    def co2e_kg(self) -> Decimal | None:
        """Kilograms of CO2e, exact to the gram; None without a carbon run."""
        return None if self.co2e_g is None else Decimal(self.co2e_g).scaleb(-3)


class InvoiceLine(models.Model):
    """One printed charge, taken over from its settlement line."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    settlement_line = models.ForeignKey(
        "settlement.Line", on_delete=models.PROTECT, related_name="+"
    )
    position = models.PositiveSmallIntegerField()
    line_code = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=200)
    clause = models.CharField(max_length=60, blank=True)
    quantity = models.DecimalField(max_digits=28, decimal_places=8, null=True)
    unit = models.CharField(max_length=20, blank=True)
    rate_text = models.CharField("rate", max_length=120, blank=True)
    amount_usd = models.DecimalField("amount", max_digits=18, decimal_places=2)
    estimated_ratio = models.DecimalField(
        "estimated share",
        max_digits=9,
        decimal_places=6,
        null=True,
        help_text="Empty where no reading has a say, as with a fee.",
    )

    class Meta:
        """Constraints."""

        ordering = ["invoice", "position"]
        verbose_name = "invoice line"
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_once"),
        ]

    def __str__(self):
        return f"{self.invoice_id}/{self.position} {self.label}"
