"""Application configuration of set-up and runtime."""

import gc

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Registers the commands and checks (no tables)."""

    name = "poweroptix.server"
    label = "server"

    def ready(self) -> None:
        """Keep what stays for ever out of the way of the garbage collector.

        The last application loaded: a full collection then walks what work has made, not every
        class and model. In the middle of a file it took a tenth of a second.
        """
        gc.freeze()
