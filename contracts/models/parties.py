"""Parties: the legal persons that sell, buy and operate."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import zone_of

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", "Use letters, digits, '.', '_' and '-' only."
)


def validate_zone(name: str) -> None:
    """Raise a ValidationError unless the name is an IANA zone: EST and the like hide a rule."""
    try:
        zone_of(name)
    except Refused as error:
        raise ValidationError(error.message) from error


class CodeManager(models.Manager):
    """Finds a row by its code, for documents and fixtures."""

    def get_by_natural_key(self, code):
        """Return the row with this code."""
        return self.get(code=code)


class Party(models.Model):
    """A legal person with an address, a bank account and a tax number."""

    class Role(models.TextChoices):
        """What the party does on a campus."""

        SELLER = "SELLER", "seller"
        TENANT = "TENANT", "tenant"
        OPERATOR = "OPERATOR", "operator"
        UTILITY = "UTILITY", "utility"

    code = models.CharField(
        max_length=50, unique=True, validators=[CODE], help_text="Short name in files and links."
    )
    name = models.CharField(max_length=200)
    legal_name = models.CharField(max_length=200, help_text="As it stands in the contract.")
    role = models.CharField(max_length=10, choices=Role.choices)
    tenant = models.ForeignKey(
        "accounts.Tenant",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="parties",
        help_text="Whose people may see this party in the portal; empty for the seller's side.",
    )
    address = models.JSONField(
        default=dict,
        blank=True,
        help_text='Stands on the invoice: {"lines": [], "city": "", "state": "", "zip": ""}.',
    )
    bank = models.JSONField(
        default=dict,
        blank=True,
        help_text='Where a seller is paid: {"bank": "", "routing": "", "account": ""}.',
    )
    tax_id = models.CharField(
        "tax number", max_length=40, blank=True, help_text="Printed on the invoice when given."
    )
    invoice_prefix = models.CharField(
        max_length=20,
        blank=True,
        validators=[CODE],
        help_text="Start of the invoice numbers of a seller.",
    )

    objects = CodeManager()

    class Meta:
        """Names and order."""

        ordering = ["code"]
        verbose_name_plural = "parties"

    def __str__(self):
        return self.name
