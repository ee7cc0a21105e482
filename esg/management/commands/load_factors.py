"""`manage.py load_factors`: store the published factors that ship with the product."""

import json

from django.core.management.base import BaseCommand

from esg.services import load_factors
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError


class Command(BaseCommand):
    """Load emission factors and warming potentials; harmless when run again."""

    help = "Load the shipped emission factors. Exit code 1 when a published number would change."

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, as_json, **_options):
        """Load and say how many are new."""
        try:
            receipt = load_factors(now=now(), actor=Actor.system("load_factors"))
        except DomainError as fault:
            self.stderr.write(f"refused: {fault.message}")
            raise SystemExit(1) from fault
        if as_json:
            self.stdout.write(json.dumps({"added": receipt.added, "present": receipt.present}))
        else:
            self.stdout.write(f"{receipt.added} factors added, {receipt.present} were there")
