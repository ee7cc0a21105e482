"""Django application configuration of meters."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """Registers the app, and has virtual channels follow what they rest on."""

    name = "meters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Listen to publications: what rests on the readings is computed anew."""
        from meters.services.publishing.listeners import published
        from meters.services.virtual.following import follow

        if follow not in published:
            published.append(follow)
