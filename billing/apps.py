"""Django application configuration of billing."""

from typing import Any

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Registers the app, and tells `manage.py verify` how an invoice is proved."""

    name = "billing"
    verbose_name = "Invoices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let `verify` take the number of an invoice."""
        from settlement.services.verification import verifiers

        if verify_numbered not in verifiers:
            verifiers.append(verify_numbered)


def verify_numbered(name: str) -> Any:
    """Return the report on the invoice of that number; None when there is no such number."""
    from billing.models import Invoice
    from billing.services.verification import verify_invoice

    invoice = Invoice.objects.filter(number=name).first()
    return None if invoice is None else verify_invoice(invoice)
