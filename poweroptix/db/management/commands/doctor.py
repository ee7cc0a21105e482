"""`manage.py doctor`: ask every invariant; exit 0 when all hold, 1 when one does not."""

import json
import sys

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from poweroptix.doctor import examine
from poweroptix.kernel.errors import DomainError


class Command(BaseCommand):
    """Examine the data."""

    help = "Check every invariant of the data and the database; exit 1 when one is violated."

    def add_arguments(self, parser):
        """Declare options."""
        parser.add_argument("--json", action="store_true", help="print verdicts as JSON")
        parser.add_argument(
            "--only", action="append", default=[], metavar="CODE", help="a code or its beginning"
        )

    def handle(self, *args, **options):
        """Examine and print what offends."""
        try:
            verdicts = examine(connection, only=options["only"])
        except DomainError as error:
            raise CommandError(error.message, returncode=2) from error
        broken = [verdict for verdict in verdicts if not verdict.holds]
        if options["json"]:
            document = {"ok": not broken, "invariants": [v.to_json() for v in verdicts]}
            self.stdout.write(json.dumps(document, indent=1))
        else:
            for verdict in broken:
                self.stdout.write(f"✗ {verdict.code}: {verdict.sentence}")
                for line in verdict.violations:
                    self.stdout.write(f"    {line}")
            self.stdout.write(f"{len(verdicts) - len(broken)} of {len(verdicts)} invariants hold.")
        if broken:
            sys.exit(1)
