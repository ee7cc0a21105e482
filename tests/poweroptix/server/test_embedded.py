"""The embedded server, for real: in a home of its own, with the programs of the wheel."""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.server import embedded
from poweroptix.server.embedded import Server


@pytest.fixture(scope="module")
def server():
    home = Path(tempfile.mkdtemp(prefix="po"))  # short, and passable for the database's own user
    home.chmod(0o755)
    made = Server(home)
    yield made
    made.stop()
    shutil.rmtree(home)


@pytest.fixture
def running(server):
    server.start()
    return server


def ask(server, question, user="poweroptix_owner", database="poweroptix"):
    with server.connect(user, database) as connection:
        return connection.execute(question).fetchone()


def test_many_may_start_it_at_once(server):
    results = []
    threads = [threading.Thread(target=lambda: results.append(server.start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]


def test_it_is_the_server_we_want(running):
    wanted = {
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "listen_addresses": "",
        "data_checksums": "on",
        "fsync": "on",
    }
    assert ask(running, "SHOW server_version")[0].startswith("18")
    assert {name: ask(running, f"SHOW {name}")[0] for name in wanted} == wanted


def test_the_owner_is_no_superuser_and_owns_the_database(running):
    assert ask(
        running,
        "SELECT rolsuper, rolbypassrls, rolcreatedb, pg_get_userbyid(datdba) = rolname"
        " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = 'poweroptix'",
    ) == (False, False, True, True)
    assert ask(running, "SHOW is_superuser", user="poweroptix_web") == ("off",)


def test_the_web_login_reaches_its_two_roles_and_no_other(running):
    with running.connect("poweroptix_web", "poweroptix") as connection:
        for role in ("poweroptix_app", "poweroptix_portal"):
            connection.execute(f"SET ROLE {role}")
        for role in ("poweroptix_owner", "poweroptix_worker", "postgres"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SET ROLE {role}")


def test_only_we_may_connect(running):
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700
    assert ask(running, "SELECT DISTINCT auth_method FROM pg_hba_file_rules", "postgres") == (
        "peer",
    )
    assert not list(Path(tempfile.gettempdir()).glob(".s.PGSQL.5432"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_stranger_is_refused_even_when_the_folder_is_open(running):
    running.data.chmod(0o755)
    running.socket.chmod(0o777)
    try:
        done = subprocess.run(
            [embedded.binaries() / "psql", "-h", running.data, "-U", "postgres", "postgres"],
            user=65534,
            group=65534,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        running.data.chmod(0o700)
    assert done.returncode == 2
    assert "Peer authentication failed" in done.stderr


def test_it_comes_back_after_a_crash_with_everything_committed(running):
    with running.connect("poweroptix_owner", "poweroptix") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    pid = int((running.data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    assert running.start()
    assert ask(running, "SELECT number FROM kept") == (7,)


def test_a_stale_process_id_does_not_fool_it(running):
    running.stop()
    assert not running.is_listening()
    stale = running.data / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{running.data}\n1\n5432\n{running.data}\n\n1 1\nready\n")
    assert running.start()


def test_stopping_twice_is_harmless(running):
    assert running.stop()
    assert not running.stop()


def test_too_long_a_path_is_refused():
    with pytest.raises(Refused, match="at most 107 bytes"):
        Server(Path("/srv") / ("x" * 100)).start()


def test_data_of_another_user_are_refused(tmp_path, monkeypatch):
    (tmp_path / "pg").mkdir()
    monkeypatch.setattr(embedded.os, "geteuid", lambda: 4242)
    with pytest.raises(Refused, match="belongs to another user"):
        Server(tmp_path).start()


def test_root_is_told_about_folders_that_the_database_cannot_enter(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(embedded.os, "geteuid", lambda: 0)
    with pytest.raises(Refused, match="may not enter"):
        Server(tmp_path).start()


def test_data_of_another_version_are_refused(server, monkeypatch):
    server.start()
    monkeypatch.setattr(embedded, "VERSION", "19")
    with pytest.raises(Refused, match="made by PostgreSQL 18, this is 19"):
        server._make_data()
