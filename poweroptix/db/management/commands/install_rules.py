"""`manage.py install_rules`: rebuild triggers, row policies and grants."""

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from poweroptix.db.installer import install
from poweroptix.kernel.errors import DomainError


class Command(BaseCommand):
    """Rebuild everything the database enforces; harmless when run again."""

    help = "Rebuild the database's triggers, row policies, grants and number checks."

    def handle(self, *args, **options):
        """Install, and tell which rules wait for a table that is not there."""
        try:
            report = install(connection, force=True)
        except DomainError as error:
            raise CommandError(error.message, returncode=1) from error
        for line in report.skipped:
            self.stderr.write(f"waits for its table: {line}")
        self.stdout.write(report.sentence())
