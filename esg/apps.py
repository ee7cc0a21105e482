"""Django application configuration of esg."""

from django.apps import AppConfig


class EsgConfig(AppConfig):
    """Registers the app, and asks settlement to tell it when a month is split anew."""

    name = "esg"
    verbose_name = "Carbon"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Listen to allocations: each is accounted by a job of its own."""
        from esg.services.following import account_later
        from settlement.services.listeners import allocated

        if account_later not in allocated:
            allocated.append(account_later)
