"""`manage.py work`: a worker without django-q2, for small sites and for looking at one job."""

import signal
import time

from django.core.management.base import BaseCommand

from poweroptix.jobs import services


class Command(BaseCommand):
    """Work on jobs in this process until told to stop."""

    help = "Work on jobs in this process; Ctrl-C finishes the current stage and stops."

    def add_arguments(self, parser):
        """Declare options."""
        parser.add_argument("--once", action="store_true", help="stop when nothing is waiting")
        parser.add_argument("--poll", type=float, default=1.0, help="seconds between looks")

    def handle(self, *args, **options):
        """Drain, sweep each minute, sleep; a signal ends it after the current claim."""
        stopping = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.append(True))
        me, swept_at, ran = services.worker_id(), float("-inf"), 0
        while not stopping:
            services.limit_session()
            if time.monotonic() - swept_at >= 60:
                services.sweep()
                swept_at = time.monotonic()
            drained = services.drain(45, owner=me, should_stop=lambda: bool(stopping))
            ran += drained.ran
            if options["once"] and not drained.more:
                break
            if not drained.more:
                time.sleep(options["poll"])
        self.stdout.write(f"Worked on {ran} jobs.")
