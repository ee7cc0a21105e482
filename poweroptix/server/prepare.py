"""Everything between installed packages and a server that can run; quick when nothing changed."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.db import connection

from poweroptix.db.roles import roles_sql
from poweroptix.jobs.services import ensure_recurring
from poweroptix.server.embedded import Server
from poweroptix.server.home import no_follow

Say = Callable[[str], None]
#: Daily work that every installation needs: name of the schedule and kind of its job.
HOUSEKEEPING = {"prune-jobs": "prune_jobs", "prune-exports": "prune_exports"}
DAILY_MINUTES = 1440


def prepare(say: Say, *, demo: bool) -> None:
    """Start the embedded database, migrate, collect static files, build the demonstration.

    `say` gets one line per thing that was done. Raises Refused where the database cannot be used.
    """
    home = Path(settings.HOME)
    with _alone(home):
        for folder in ("log", "media"):
            (home / folder).mkdir(parents=True, exist_ok=True)
            # Readings and invoices are nobody else's business. What root's commands add belongs
            # to the group of the account that the web server runs as (privileges.py).
            (home / folder).chmod(0o2770 if os.geteuid() == 0 else 0o750)
        if is_embedded():
            if Server(home).start():
                say("database started (embedded PostgreSQL 18)")
        else:
            _make_roles_where_allowed()
        call_command("migrate", interactive=False, verbosity=0)
        _schedule_housekeeping()
        if _collect_static(home):
            say("static files collected")
        if demo and "demo" in get_commands():
            place = home / "log" / "demo.log"
            with open(place, "w", encoding="utf-8", opener=no_follow) as log:
                call_command("demo", if_empty=True, stderr=_Progress(log, say))


def _schedule_housekeeping() -> None:
    """Make sure that old jobs and exports are removed; what people changed about it stays."""
    for name, kind in HOUSEKEEPING.items():
        ensure_recurring(name, kind, every_minutes=DAILY_MINUTES)


def is_embedded() -> bool:
    """Whether the database is the embedded one."""
    return settings.DATABASES["default"]["ENGINE"] == "poweroptix.server.postgresql"


class _Progress:
    """Writes what the demonstration reports into its log and says once that it is being built."""

    def __init__(self, log: TextIO, say: Say) -> None:
        self.log, self.say, self.said = log, say, False

    def write(self, text: str) -> int:
        """Write a line of progress."""
        if not self.said:
            self.said = True
            self.say(f"building the demonstration campus, some minutes (progress: {self.log.name})")
        written = self.log.write(text)
        self.log.flush()
        return written


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one preparation run at a time."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "prepare.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_roles_where_allowed() -> None:
    """Make the roles when the login may; otherwise the installer says which are missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute(roles_sql())


def _collect_static(home: Path) -> bool:
    """Collect static files when their sources changed since the last time."""
    stamp = home / "static.sha256"
    digest = _static_digest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return False
    subprocess.run(  # noqa: S603 - our own command; in a process of its own it can be quiet
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "collectstatic", "--noinput", "-v0"],
        check=True,
        env={**os.environ, "POWEROPTIX_PROCESS": "owner"},
    )
    stamp.write_text(digest, encoding="ascii")
    return True


def _static_digest() -> str:
    digest = hashlib.sha256(str(settings.STATIC_ROOT).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
