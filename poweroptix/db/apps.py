"""Application configuration of the database rules."""

from django.apps import AppConfig


class DbConfig(AppConfig):
    """Registers the app."""

    name = "poweroptix.db"
    label = "db"
