"""`manage.py export_portfolio`: the portfolio, or one contract, as a document for `apply`."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from contracts.models import Contract
from contracts.services.document import contract_document
from poweroptix.portfolio.export import as_yaml
from poweroptix.portfolio.whole import portfolio_document


class Command(BaseCommand):
    """Write the document, to a file or to standard output."""

    help = "Write the whole portfolio, or one contract, as YAML that `apply` reads back."

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--contract", default="", help="code of the contract to write instead")
        parser.add_argument("--out", type=Path, help="file to write; without it, standard output")

    def handle(self, *, out, contract="", **_options):
        """Write the document."""
        text = as_yaml(contract_document(_found(contract)) if contract else portfolio_document())
        if out is None:
            self.stdout.write(text)
            return
        out.write_text(text, encoding="utf-8")
        self.stderr.write(f"{len(text.splitlines())} lines written to {out}")


def _found(code: str) -> Contract:
    """Return the contract of a code. CommandError when there is none."""
    found = Contract.objects.select_related("campus").filter(code=code).first()
    if found is None:
        raise CommandError(f"There is no contract '{code}'.")
    return found
