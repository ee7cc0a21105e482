"""Django application configuration of settlement."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Registers the app, and asks metering to tell it when readings become visible."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Listen to publications: runs that used replaced readings are flagged."""
        from meters.services import approved, corrected, published
        from settlement.services.corrections import flag_runs
        from settlement.services.reliance import approved_on, corrected_by

        for asked, answer in (
            (published, flag_runs),
            (approved, approved_on),
            (corrected, corrected_by),
        ):
            if answer not in asked:
                asked.append(answer)
