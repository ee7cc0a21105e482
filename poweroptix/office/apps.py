"""Django application configuration of office."""

from django.apps import AppConfig


class OfficeConfig(AppConfig):
    """Registers the app."""

    name = "poweroptix.office"
    label = "office"
    default_auto_field = "django.db.models.BigAutoField"
