"""Django application configuration of pages."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """Registers the app (template filters only, no tables)."""

    name = "poweroptix.pages"
    label = "pages"
