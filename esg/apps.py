"""Django application configuration of esg."""

from django.apps import AppConfig


class EsgConfig(AppConfig):
    """Registers the app."""

    name = "esg"
    verbose_name = "Carbon"
    default_auto_field = "django.db.models.BigAutoField"
