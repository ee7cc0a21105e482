"""Parties: the legal persons that sell, buy and operate."""

from django.db import models


class Party(models.Model):
    """A legal person with an address, a bank account and a tax number."""

    class Role(models.TextChoices):
        """What the party does on a campus."""

        SELLER = "SELLER", "seller"
        TENANT = "TENANT", "tenant"
        OPERATOR = "OPERATOR", "operator"
        UTILITY = "UTILITY", "utility"

    code = models.SlugField(max_length=50, unique=True, help_text="Short name in files and links.")
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
        default=dict, blank=True, help_text='{"lines": [], "city": "", "state": "", "zip": ""}'
    )
    bank = models.JSONField(
        default=dict, blank=True, help_text='{"bank": "", "routing": "", "account": ""}'
    )
    tax_id = models.CharField("tax number", max_length=40, blank=True)
    invoice_prefix = models.SlugField(
        max_length=20, blank=True, help_text="Start of the invoice numbers of a seller."
    )

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "parties"

    def __str__(self):
        return self.name
