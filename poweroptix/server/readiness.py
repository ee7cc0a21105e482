"""Whether work can be done here: the checks behind /readyz and `manage.py up`."""

import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.connection import ConnectionDoesNotExist

from poweroptix.db.scope import staff_scope
from poweroptix.jobs.queries import health

FREE_BYTES_MIN = 500_000_000


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str


def readiness() -> list[Check]:
    """Look at database, row security, migrations, disk and background work, in this order.

    Without a database the later questions cannot be asked and are left out.
    """
    checks = [_disk()]
    try:
        with staff_scope():
            return [*checks, Check("database", True, "answers"), _login(), _migrations(), _work()]
    except (DatabaseError, ConnectionDoesNotExist) as error:
        return [*checks, Check("database", False, type(error).__name__)]


def _disk() -> Check:
    folder = Path(settings.MEDIA_ROOT)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Check("disk", free >= FREE_BYTES_MIN, f"{free // 1_000_000} MB free")


def _login() -> Check:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user"
        )
        name, unbound = cursor.fetchone()
    detail = "row policies do not bind this login" if unbound else "bound by row policies"
    return Check("login", not (unbound and settings.PROCESS == "web"), f"{name}: {detail}")


@lru_cache(maxsize=1)
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _migrations() -> Check:
    missing = _known_migrations() - set(MigrationRecorder(connection).applied_migrations())
    detail = f"{len(missing)} not applied: run manage.py prepare" if missing else "all applied"
    return Check("migrations", not missing, detail)


def _work() -> Check:
    state = health()
    detail = f"the oldest runnable job waits {state['oldest_waiting_seconds']} s"
    return Check("work", state["ok"], detail)
