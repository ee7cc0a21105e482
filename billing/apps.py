"""Django application configuration of billing."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Registers the app."""

    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"
