"""Django application configuration of settlement."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Registers the app, and asks metering to tell it when readings become visible."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Listen to publications: runs that used replaced readings are flagged."""
        from meters.services import published
        from settlement.services.corrections import flag_runs

        if flag_runs not in published:
            published.append(flag_runs)
