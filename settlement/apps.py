"""Django application configuration of settlement."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Registers the app, and asks to be told of readings, prices, events and terms that change."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Listen to what changes: runs that used what was replaced are flagged."""
        from contracts.services import indices
        from contracts.services.events import changed
        from contracts.services.versions import held_anew, reached
        from meters.services import approved, corrected, published
        from settlement.services.corrections import flag_bound, flag_events, flag_runs
        from settlement.services.price_corrections import flag_prices
        from settlement.services.reliance import approved_on, corrected_by
        from settlement.services.sales import divide_for_prices, divide_for_readings
        from settlement.services.term_corrections import flag_terms, settled_by

        for asked, answer in (
            (published, flag_runs),
            (published, flag_bound),
            (published, divide_for_readings),
            (changed, flag_events),
            (held_anew, flag_terms),
            (reached, settled_by),
            (approved, approved_on),
            (corrected, corrected_by),
            (indices.published, flag_prices),
            (indices.published, divide_for_prices),
        ):
            if answer not in asked:
                asked.append(answer)
