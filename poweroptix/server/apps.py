"""Application configuration of set-up and runtime."""

import gc

from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Registers the commands and checks (no tables)."""

    name = "poweroptix.server"
    label = "server"

    def ready(self) -> None:
        """Keep the garbage collector out of the way of work.

        The last application loaded: a full collection then walks what work has made, not every
        class and model; in the middle of a file it took a tenth of a second. A month of contracts
        makes objects by the hundred thousand and nearly none in circles: looking for these after
        every 700, as is preset, took a tenth of its time.
        """
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
