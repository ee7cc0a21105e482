"""`manage.py export_portfolio`: the master data of metering as a document for `apply`."""

from pathlib import Path

from django.core.management.base import BaseCommand

from poweroptix.portfolio.export import as_yaml, metering_document


class Command(BaseCommand):
    """Write the document, to a file or to standard output."""

    help = "Write campuses, meters, sources, rules and proofs as YAML that `apply` reads back."

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--out", type=Path, help="file to write; without it, standard output")

    def handle(self, *, out, **_options):
        """Write the document."""
        text = as_yaml(metering_document())
        if out is None:
            self.stdout.write(text)
            return
        out.write_text(text, encoding="utf-8")
        self.stderr.write(f"{len(text.splitlines())} lines written to {out}")
