"""Django application configuration of contracts."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Registers the app."""

    name = "contracts"
    default_auto_field = "django.db.models.BigAutoField"
