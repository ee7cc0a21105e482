"""Django application configuration of demo."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Registers the app (commands only, no tables)."""

    name = "poweroptix.demo"
    label = "demo"
