"""Django application configuration of meters."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """Registers the app."""

    name = "meters"
    default_auto_field = "django.db.models.BigAutoField"
