"""`manage.py prepare`: make database, static files and demonstration ready."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from poweroptix.kernel.errors import DomainError
from poweroptix.server.prepare import prepare

DATABASE_FAILED = 4


class Command(BaseCommand):
    """Repeatable; quick when there is nothing to do."""

    help = "Starts the embedded database, migrates, collects static files, builds the demo."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--no-demo", action="store_true", help="build no demonstration campus")

    def handle(self, *_args: str, **options: bool) -> None:
        """Prepare."""
        try:
            prepare(self.stdout.write, demo=not options["no_demo"])
        except (DomainError, OperationalError) as error:
            raise CommandError(str(error), returncode=DATABASE_FAILED) from error
