"""Django application configuration of portfolio."""

from django.apps import AppConfig


class PortfolioConfig(AppConfig):
    """Registers the app (commands only, no tables)."""

    name = "poweroptix.portfolio"
    label = "portfolio"
