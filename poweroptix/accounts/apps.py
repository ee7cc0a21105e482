"""Django application configuration of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app."""

    name = "poweroptix.accounts"
    label = "accounts"
    verbose_name = "People and tokens"
    default_auto_field = "django.db.models.BigAutoField"
