"""`manage.py up`: run web server, worker and embedded database until Ctrl-C."""

import os
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from poweroptix.kernel.errors import DomainError
from poweroptix.server.addresses import free_port, is_loopback, own_hosts, visitor_host
from poweroptix.server.embedded import Server
from poweroptix.server.postgresql.base import ATTACH_ONLY
from poweroptix.server.prepare import is_embedded
from poweroptix.server.privileges import give_up_root
from poweroptix.server.readiness import readiness
from poweroptix.server.supervisor import Child, Supervisor
from poweroptix.server.welcome import welcome

ANSWER_SECONDS_MAX = 60
NOT_READY = 4


class Command(BaseCommand):
    """Runs everything on one machine."""

    help = "Runs web server, worker and embedded database; Ctrl-C stops all of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, help="default: the first free one from 8000")
        parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--no-worker", action="store_true", help="run no background work here")

    def handle(self, *_args: str, **options: Any) -> None:
        """Start, report, watch, stop."""
        bind = options["bind"]
        server = Server(Path(settings.HOME)) if is_embedded() else None
        try:
            if server is not None:
                server.start()
            if notice := give_up_root(server):
                self.stderr.write(notice)
            port = free_port(bind, options["port"])
        except (DomainError, ValueError) as error:
            raise CommandError(str(error), returncode=NOT_READY) from error
        self._require_ready()
        children = [web(bind, port)] + ([] if options["no_worker"] else [worker()])
        supervisor = Supervisor(children, server, self.stderr.write)
        address = f"http://{visitor_host(bind)}:{port}"
        supervisor.start()
        try:
            if supervisor.wait_for(lambda: answers(f"{address}/healthz"), ANSWER_SECONDS_MAX):
                self.stdout.write(welcome(address, open_to_network=not is_loopback(bind)))
                self.stdout.flush()
                supervisor.run()
            elif not supervisor.signals:
                logs = ", ".join(str(child.log) for child in children)
                raise CommandError(f"The web server does not answer; see {logs}", returncode=1)
        finally:
            supervisor.stop()

    def _require_ready(self) -> None:
        # Waiting work is no reason not to start: the worker that we start will do it.
        failed = [
            f"{check.name}: {check.detail}"
            for check in readiness()
            if not check.ok and check.name != "work"
        ]
        connections.close_all()
        if failed:
            raise CommandError("; ".join(failed), returncode=NOT_READY)


def web(bind: str, port: int) -> Child:
    """Return the web server: two processes of four threads, renewed now and then."""
    log = Path(settings.HOME) / "log"
    options = {
        "bind": f"{bind}:{port}" if ":" not in bind else f"[{bind}]:{port}",
        "worker-class": "gthread",
        "workers": "2",
        "threads": "4",
        "timeout": "60",
        "graceful-timeout": "20",
        "umask": "007",
        "max-requests": "2000",
        "max-requests-jitter": "200",
        "access-logfile": str(log / "access.log"),
        "chdir": str(settings.BASE_DIR),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "gunicorn", "poweroptix.wsgi", "--no-control-socket", *words]
    hosts = os.environ.get("POWEROPTIX_HOSTS") or ",".join(own_hosts(bind))
    environment = {"POWEROPTIX_PROCESS": "web", ATTACH_ONLY: "1", "POWEROPTIX_HOSTS": hosts}
    return Child("web server", command, log / "web.log", environment)


def worker() -> Child:
    """Return the worker."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"]
    environment = {"POWEROPTIX_PROCESS": "worker", ATTACH_ONLY: "1"}
    return Child("worker", command, Path(settings.HOME) / "log" / "worker.log", environment)


def answers(address: str) -> bool:
    """Whether the web server answers there."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
