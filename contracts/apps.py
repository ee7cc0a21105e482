"""Django application configuration of contracts."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Registers the app."""

    name = "contracts"
    verbose_name = "Contracts"
    default_auto_field = "django.db.models.BigAutoField"
