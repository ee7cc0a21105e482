"""What proves a version: worked examples agreed by both parties, and opening balances."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from contracts.calc.opening_carry import check_carry
from contracts.calc.openings import check_open_items
from contracts.models._tenant import TenantRow
from poweroptix.kernel.errors import Refused


class ContractExample(TenantRow):
    """Inputs and the amounts both parties agreed to; a version needs one before it is active."""

    tenant_parent = "version"

    version = models.ForeignKey(
        "ContractVersion", on_delete=models.CASCADE, related_name="examples"
    )
    name = models.CharField(max_length=120)
    inputs = models.JSONField(help_text="Inputs of one period with inline series and prices.")
    expected = models.JSONField(help_text='Amount per line code: {"10": "1152032.31"}.')
    last_verdict = models.CharField("last result", max_length=12, blank=True, editable=False)
    last_report = models.JSONField(default=list, editable=False)
    last_run_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        """Order and constraints."""

        ordering = ["version", "name"]
        verbose_name = "worked example"
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="example_name_once"),
        ]

    def __str__(self):
        return self.name


class OpeningBalance(TenantRow):
    """What a contract brings along from before its first settled period."""

    contract = models.ForeignKey("Contract", on_delete=models.PROTECT, related_name="openings")
    period = models.CharField(
        "first month",
        max_length=7,
        validators=[RegexValidator(r"^\d{4}-(0[1-9]|1[0-2])$", "Give the month as 2026-01.")],
        help_text="First month that reads it, for example 2026-01.",
    )
    carry = models.JSONField(
        "figures brought along",
        blank=True,
        default=dict,
        help_text='Per line code: {"20": {"peaks": {"2025-12": "26000", "2025-11": null}}}.',
    )
    open_items = models.JSONField(
        default=list,
        blank=True,
        help_text="Unpaid items of before, one object each: reference, due date and amount.",
    )
    reason = models.TextField(
        "source", help_text="Where the figures come from and who agreed to them."
    )
    recorded_at = models.DateTimeField(editable=False)
    recorded_by = models.CharField(max_length=150, editable=False)
    approved_at = models.DateTimeField(null=True, editable=False)
    approved_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        """Order and constraints."""

        ordering = ["contract", "period"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "period"], name="opening_balance_once"),
            models.CheckConstraint(
                condition=Q(approved_by="") | ~Q(approved_by=F("recorded_by")),
                name="opening_balance_second_person",
                violation_error_message="A second person approves an opening balance.",
            ),
        ]

    def __str__(self):
        return f"{self.contract} from {self.period}"

    def clean(self):
        """Refuse a carry whose line codes or peaks cannot be read."""
        try:
            check_carry(self.carry)
            check_open_items(self.open_items)
        except Refused as error:
            where = "open_items" if error.code == "contracts.open_item" else "carry"
            raise ValidationError({where: error.message}) from error
