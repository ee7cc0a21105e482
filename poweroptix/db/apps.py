"""Application configuration of the database rules."""

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate  # noqa: TID251 - rules must follow every migrate


class DbConfig(AppConfig):
    """Runs the installer after every migrate: the one hook of the whole product."""

    name = "poweroptix.db"
    label = "db"

    def ready(self):
        """Listen for the end of a migrate."""
        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="poweroptix.db.rules")


def install_after_migrate(using: str, verbosity: int = 1, stdout=None, **kwargs):
    """Install the rules; a flush also ends with this signal but changes no table, so it is left."""
    if "plan" not in kwargs:
        return
    from poweroptix.db.installer import install

    report = install(connections[using])
    if verbosity and stdout is not None:
        stdout.write(report.sentence() + "\n")
