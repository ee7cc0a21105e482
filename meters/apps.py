"""Django application configuration of meters."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """Registers the app, brings the formats of the house, has virtual channels follow."""

    name = "meters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Take in the formats of the house, and compute anew what rests on what is published."""
        from django.conf import settings

        from meters.formats import load_plugins
        from meters.services.publishing.listeners import published
        from meters.services.virtual.following import follow

        load_plugins(settings.METERS_FORMATS)
        if follow not in published:
            published.append(follow)
