"""Application configuration of set-up and runtime."""

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Registers the commands and checks (no tables)."""

    name = "poweroptix.server"
    label = "server"
