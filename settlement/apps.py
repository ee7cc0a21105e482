"""Django application configuration of settlement."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Registers the app."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"
