"""`manage.py apply FILE.yaml`: bring the database to what a portfolio document says."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand

from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from poweroptix.portfolio.changes import SAME
from poweroptix.portfolio.document import read_document
from poweroptix.portfolio.services import apply_document


class Command(BaseCommand):
    """Apply a portfolio document; again and again with the same result."""

    help = "Apply a portfolio document (YAML). Exit code 1 and the path of the fault when refused."

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="show the difference only")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, file, dry_run, as_json, **_options):
        """Apply the file and print what changed."""
        try:
            changes = apply_document(
                read_document(file), actor=Actor.system("apply"), now=now(), dry_run=dry_run
            )
        except DomainError as fault:
            said = {
                "refused": fault.message,
                "code": fault.code,
                "findings": [finding.to_json() for finding in fault.findings],
            }
            self.stderr.write(
                json.dumps(said, default=str) if as_json else f"refused: {fault.message}"
            )
            raise SystemExit(1) from fault
        made = [change for change in changes if change.action != SAME]
        if as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "dry_run": dry_run,
                        "changes": [c.to_json() for c in made],
                        "unchanged": len(changes) - len(made),
                    }
                )
            )
            return
        for change in made:
            self.stdout.write(change.sentence())
        verb = "would change" if dry_run else "changed"
        self.stdout.write(f"{len(made)} {verb}, {len(changes) - len(made)} unchanged")
