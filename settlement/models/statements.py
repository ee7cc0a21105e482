"""Statements of a counterparty, held against our own lines, and the disputes about them."""

from django.db import models
from django.db.models import F, Q


class CounterpartyStatement(models.Model):
    """A statement as the counterparty sent it: its lines as read, and how its columns were mapped.

    A statement never changes; one that was sent again is a new one.
    """

    contract = models.ForeignKey(
        "contracts.Contract", on_delete=models.PROTECT, related_name="counterparty_statements"
    )
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    period = models.CharField(max_length=7, help_text="Local month, e.g. 2026-03.")
    name = models.CharField("file name", max_length=200)
    sha256 = models.CharField(max_length=64)
    mapping = models.JSONField(help_text="Columns of the file and our line code of each charge.")
    lines = models.JSONField(help_text="Lines as read: row, charge, label, quantity, rate, amount.")
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "period", "sha256"],
                name="statement_content_once",
                violation_error_message="This file was loaded for the month already.",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="statement_sha256"
            ),
        ]

    def __str__(self):
        return f"{self.contract.code} {self.period} {self.name}"


class Dispute(models.Model):
    """An amount of a statement that we do not accept, and what became of it.

    The undisputed part stays due; the outcome says how much of the disputed amount is credited.
    """

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "OPEN", "open"
        GRANTED = "GRANTED", "granted"
        PARTIAL = "PARTIAL", "granted in part"
        DENIED = "DENIED", "denied"
        WITHDRAWN = "WITHDRAWN", "withdrawn"

    statement = models.ForeignKey(
        CounterpartyStatement, on_delete=models.PROTECT, related_name="disputes"
    )
    tenant = models.ForeignKey("accounts.Tenant", on_delete=models.PROTECT, related_name="+")
    line_code = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=200)
    amount_usd = models.DecimalField("disputed", max_digits=18, decimal_places=2)
    reason = models.TextField()
    filed_at = models.DateTimeField()
    filed_by = models.CharField(max_length=150)
    answer_due_date = models.DateField()
    due_date = models.DateField(null=True, help_text="When the statement is due.")
    interest_ratio = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        help_text="Yearly rate by the contract, simple, actual/365: 0.0925 is 9.25 %.",
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    credited_usd = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    outcome = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-filed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["statement", "line_code"],
                condition=~Q(state="WITHDRAWN"),
                name="dispute_once_per_line",
            ),
            models.CheckConstraint(condition=~Q(amount_usd=0), name="dispute_has_amount"),
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_at__isnull=True)
                | (~Q(state="OPEN") & Q(decided_at__isnull=False) & ~Q(outcome="")),
                name="dispute_decided_is_told",
            ),
            models.CheckConstraint(
                condition=Q(credited_usd__isnull=True)
                | Q(amount_usd__gt=0, credited_usd__gte=0, credited_usd__lte=F("amount_usd"))
                | Q(amount_usd__lt=0, credited_usd__lte=0, credited_usd__gte=F("amount_usd")),
                name="dispute_credit_within_amount",
            ),
        ]

    def __str__(self):
        return f"{self.statement}, line {self.line_code}"
