"""`manage.py demo`: build the demonstration campus, measured."""

from time import perf_counter

from django.core.management.base import BaseCommand, CommandError

from poweroptix.demo.build import build, is_empty


class Command(BaseCommand):
    """Build the demonstration campus in an empty database."""

    help = "Generate thirteen months of files and run the whole chain on them."

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--if-empty", action="store_true", help="do nothing unless empty")
        parser.add_argument("--last-month", help="stop after this month, for example 2025-12")
        parser.add_argument("--password", default="demo", help="password of all demo people")

    def handle(self, *, if_empty, last_month, password, **_options):
        """Build, and print how long each part took."""
        if not is_empty():
            if if_empty:
                return
            raise CommandError("The database is not empty; the demonstration needs an empty one.")
        begun = perf_counter()
        seconds = build(
            say=lambda text: self.stderr.write(text), password=password, last_month=last_month
        )
        parts = ", ".join(f"{name} {spent:.1f}" for name, spent in seconds.items())
        self.stdout.write(
            f"Demonstration campus built in {perf_counter() - begun:.1f} s ({parts})."
        )
