"""What a running contract brings along and what it must not forget: papers, dates, security."""

from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from contracts.models._tenant import TenantRow

SHA256 = r"^[0-9a-f]{64}$"


class ContractDocument(TenantRow):
    """A paper of the contract, kept whole and known by its content."""

    class Kind(models.TextChoices):
        """What the paper is."""

        AGREEMENT = "AGREEMENT", "agreement"
        AMENDMENT = "AMENDMENT", "amendment"
        BALANCES = "BALANCES", "source of opening balances"
        SECURITY = "SECURITY", "credit support"
        OTHER = "OTHER", "other"

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField("file name", max_length=200, editable=False)
    content_type = models.CharField(max_length=100, editable=False)
    size_bytes = models.BigIntegerField("size in bytes", editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.CharField(max_length=150, editable=False)

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "-recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "sha256"],
                name="document_content_once",
                violation_error_message="This file is attached to the contract already.",
            ),
            models.CheckConstraint(condition=Q(sha256__regex=SHA256), name="document_sha256"),
            models.CheckConstraint(condition=Q(size_bytes__gt=0), name="document_not_empty"),
        ]

    def __str__(self):
        return self.name

    @property
    def path(self) -> str:
        """Return where the bytes lie below the storage's root."""
        return f"contracts/{self.sha256[:2]}/{self.sha256}"


class DiaryEntry(TenantRow):
    """A date of the contract that somebody must act before."""

    class Kind(models.TextChoices):
        """What has to be done."""

        RENEWAL = "RENEWAL", "renewal or notice"
        INDEX = "INDEX", "index reference"
        TEST = "TEST", "guarantee test"
        CERTIFICATE = "CERTIFICATE", "certificate expiry"
        SECURITY = "SECURITY", "credit support expiry"
        OTHER = "OTHER", "other"

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="diary")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    title = models.CharField("what has to be done", max_length=200)
    due_date = models.DateField("by this day", help_text="Local day of the contract.")
    lead_days = models.PositiveSmallIntegerField(
        "days ahead",
        validators=[MaxValueValidator(730)],
        help_text="It stands on Today from so many days before, 0 to 730.",
    )
    done_at = models.DateTimeField(null=True, editable=False)
    done_by = models.CharField(max_length=150, blank=True, editable=False)
    outcome = models.CharField("what was done", max_length=400, blank=True, editable=False)
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.CharField(max_length=150, editable=False)

    class Meta:
        """Order and constraints."""

        ordering = ["due_date", "pk"]
        verbose_name_plural = "diary entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, done_by="", outcome="")
                | (Q(done_at__isnull=False) & ~Q(done_by="") & ~Q(outcome="")),
                name="diary_done_is_told",
            ),
        ]

    def __str__(self):
        return f"{self.due_date} {self.title}"

    @property
    def attention_from(self):
        """Return the first day on which it stands on Today."""
        return self.due_date - timedelta(days=self.lead_days)


class CreditSupport(TenantRow):
    """Security that the offtaker gave; it stays held until somebody releases it."""

    class Kind(models.TextChoices):
        """What form it has."""

        DEPOSIT = "DEPOSIT", "cash deposit"
        LETTER = "LETTER", "letter of credit"
        GUARANTEE = "GUARANTEE", "parent guarantee"

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="securities")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    issuer = models.CharField("given or issued by", max_length=200)
    reference = models.CharField(max_length=100, blank=True, help_text="Number of the instrument.")
    amount_usd = models.DecimalField(
        "amount",
        max_digits=18,
        decimal_places=2,
        validators=[MinValueValidator(0)],
        help_text="In the currency of the contract.",
    )
    first_date = models.DateField("held from")
    expiry_date = models.DateField(
        "last day", null=True, blank=True, help_text="Empty for a deposit without an end."
    )
    diary_entry = models.OneToOneField(
        DiaryEntry, null=True, editable=False, on_delete=models.PROTECT, related_name="security"
    )
    released_on = models.DateField(null=True, editable=False)
    released_by = models.CharField(max_length=150, blank=True, editable=False)
    release_note = models.CharField(max_length=400, blank=True, editable=False)
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.CharField(max_length=150, editable=False)

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "first_date", "pk"]
        verbose_name_plural = "credit support"
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_usd__gt=0),
                name="security_amount_above_zero",
                violation_error_message="The amount is above zero.",
            ),
            models.CheckConstraint(
                condition=Q(expiry_date__isnull=True) | Q(expiry_date__gte=F("first_date")),
                name="security_dates_in_order",
                violation_error_message="The last day is not before the first.",
            ),
            models.CheckConstraint(
                condition=Q(kind="DEPOSIT") | Q(expiry_date__isnull=False),
                name="security_expiry_known",
                violation_error_message="A letter of credit or a guarantee has a last day.",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} of {self.issuer}"
