"""Django application configuration of the API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the app."""

    name = "poweroptix.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
