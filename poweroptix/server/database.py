"""Which database login each kind of process uses.

`POWEROPTIX_PROCESS` is `owner` (migrations and commands), `web` or `worker`. Web and worker never
connect with the owner's rights: row policies would not bind them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env

PROCESSES = ("owner", "web", "worker")
DATABASE = "poweroptix"
_BY_COMMAND = {"qcluster": "worker", "runserver": "web"}


def process_of(environment: Mapping[str, str], argv: Sequence[str]) -> str:
    """Return the kind of this process.

    >>> process_of({}, ["manage.py", "qcluster"])
    'worker'
    >>> process_of({"POWEROPTIX_PROCESS": "web"}, ["manage.py", "shell"])
    'web'
    """
    command = argv[1] if len(argv) > 1 else ""
    process = environment.get("POWEROPTIX_PROCESS") or _BY_COMMAND.get(command, "owner")
    if process not in PROCESSES:
        raise ImproperlyConfigured(
            f"POWEROPTIX_PROCESS is {process!r}; choose one of: {', '.join(PROCESSES)}."
        )
    return process


def database_settings(
    environment: Mapping[str, str], process: str, socket_dir: Path
) -> dict[str, Any]:
    """Return Django's settings of the default database.

    With `DATABASE_URL`, `DATABASE_WEB_URL` and `DATABASE_WORKER_URL` are the logins of web and
    worker. Where one is missing, the login of `DATABASE_URL` takes on the role when it connects;
    it must be a member of it. Without `DATABASE_URL` it is the embedded server.
    """
    url = environment.get("DATABASE_URL", "")
    own_url = environment.get(f"DATABASE_{process.upper()}_URL", "") if process != "owner" else ""
    if url:
        settings = dict(Env.db_url_config(own_url or url))
        settings["ENGINE"] = "django.db.backends.postgresql"
    else:
        settings = {
            "ENGINE": "poweroptix.server.postgresql",
            "NAME": DATABASE,
            "USER": f"poweroptix_{process}",
            "HOST": str(socket_dir),
        }
    flags = ["-c timezone=UTC"]
    if url and not own_url and process != "owner":
        flags.append(f"-c role=poweroptix_{process}")
    options = dict(settings.get("OPTIONS", {}))
    options["options"] = " ".join([*filter(None, [options.get("options", "")]), *flags])
    # No pool: processes that fork corrupt it. Health checks notice a restarted server.
    return {**settings, "OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
