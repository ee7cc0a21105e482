"""Root's rights are given away, and what the account writes is handed over first."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.server import privileges
from poweroptix.server.embedded import Server

NOBODY = pwd.getpwnam("nobody")
ROOT = pwd.getpwnam("root")


@pytest.fixture
def as_root(monkeypatch):
    """Let the process believe that it is root, with an account that is there."""
    monkeypatch.delenv(privileges.VARIABLE, raising=False)
    monkeypatch.setattr(privileges.os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "system_account", lambda: NOBODY)


@pytest.fixture
def steps(monkeypatch):
    """Record what would be done instead of doing it."""
    done = []
    monkeypatch.setattr(privileges.os, "environ", dict(os.environ))
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(
            privileges.os, name, lambda value, name=name: done.append((name, value))
        )
    monkeypatch.setattr(privileges, "hand_over", lambda *_: done.append(("hand_over", 0)))
    return done


def test_who_is_no_root_stays_who_it_is(monkeypatch, steps):
    monkeypatch.setattr(privileges.os, "geteuid", lambda: 1000)
    assert privileges.account_of(None) is None
    assert privileges.give_up_root(None) == ""
    assert steps == []


def test_root_becomes_the_system_account(as_root):
    assert privileges.account_of(None) == NOBODY


def test_root_becomes_the_owner_of_the_database(as_root, tmp_path, monkeypatch):
    (tmp_path / "pg").mkdir()
    real = Path.stat
    owned = os.stat_result((0o40700, 0, 0, 0, NOBODY.pw_uid, 0, 0, 0, 0, 0))
    monkeypatch.setattr(
        Path, "stat", lambda self, **more: owned if self.name == "pg" else real(self, **more)
    )
    assert privileges.account_of(Server(tmp_path)) == NOBODY
    monkeypatch.setenv(privileges.VARIABLE, "root")
    assert privileges.account_of(Server(tmp_path)) is None
    monkeypatch.setenv(privileges.VARIABLE, "daemon")
    with pytest.raises(Refused, match="belongs to nobody"):
        privileges.account_of(Server(tmp_path))


def test_an_unknown_name_is_refused(as_root, monkeypatch):
    monkeypatch.setenv(privileges.VARIABLE, "no-such-user")
    with pytest.raises(Refused, match="this host has no such user"):
        privileges.account_of(None)


def test_groups_go_first_and_the_user_last(as_root, steps, monkeypatch):
    monkeypatch.setattr(privileges, "_can_run", lambda _: True)
    assert privileges.give_up_root(None) == ""
    assert steps == [
        ("hand_over", 0),
        ("setgroups", []),
        ("setgid", NOBODY.pw_gid),
        ("setuid", NOBODY.pw_uid),
    ]
    assert privileges.os.environ["USER"] == "nobody"
    assert privileges.os.environ["HOME"].endswith("/cache")


def test_an_account_that_cannot_run_it_changes_nothing_and_is_named(as_root, steps, monkeypatch):
    monkeypatch.setattr(privileges, "_can_run", lambda _: False)
    notice = privileges.give_up_root(None)
    assert "run as root, because user nobody cannot run" in notice
    assert "such as /opt" in notice
    assert steps == []


def test_trying_is_what_decides(monkeypatch):
    me = pwd.getpwuid(os.geteuid())
    assert privileges._can_run(me)
    monkeypatch.setattr(privileges, "_TRIAL", "raise SystemExit(1)")
    assert not privileges._can_run(me)
    monkeypatch.setattr(privileges.sys, "executable", "/nowhere/python")
    assert not privileges._can_run(me)


def test_what_is_handed_over(tmp_path, monkeypatch):
    home, given = tmp_path / "home", {}
    for name in ("log/web.log", "media/imports/a.csv", "static/a.css", "secret_key", "pg.lock"):
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        file.chmod(0o600)
    (home / "log" / "link.log").symlink_to("/etc/hostname")

    def chown(path, uid, gid, *, follow_symlinks=True):
        assert not follow_symlinks
        given[str(Path(path).relative_to(home))] = (uid, gid)

    monkeypatch.setattr(privileges.os, "chown", chown)
    account = pwd.struct_passwd(("a", "x", 4242, 4243, "", "/", "/bin/false"))
    privileges.hand_over(home, home / "media", account)
    assert set(given.values()) == {(4242, 4243)}
    assert set(given) == {
        *("log", "log/web.log", "log/link.log", "cache", "secret_key", "pg.lock"),
        *("media", "media/imports", "media/imports/a.csv"),
    }
    assert (home / "media" / "imports").stat().st_mode & 0o7777 == 0o2770
    assert (home / "static" / "a.css").stat().st_mode & 0o777 == 0o644
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert Path("/etc/hostname").stat().st_uid != 4242


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_for_real_nothing_is_left_of_root():
    home = Path(tempfile.mkdtemp(prefix="po"))
    home.chmod(0o755)
    program = (
        "import os, pwd; from types import SimpleNamespace; from pathlib import Path;"
        "from poweroptix.server import privileges as p;"
        "p.account_of = lambda s: pwd.getpwnam('nobody'); p._can_run = lambda a: True;"
        f"home = Path({str(home)!r});"
        "p.settings = SimpleNamespace(HOME=home, MEDIA_ROOT=home / 'media');"
        "p.give_up_root(None); open(p.settings.HOME / 'log' / 'x.log', 'w').close();"
        "print(os.getresuid(), os.getresgid(), os.getgroups());"
        "os.setuid(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    uid, gid = NOBODY.pw_uid, NOBODY.pw_gid
    assert done.stdout.strip() == f"({uid}, {uid}, {uid}) ({gid}, {gid}, {gid}) []"
    assert "PermissionError" in done.stderr.splitlines()[-1]
    assert (home / "log" / "x.log").stat().st_uid == uid


def test_logs_are_not_written_through_a_link(tmp_path):
    from poweroptix.server.home import no_follow

    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("kept")
    link.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"), open(link, "w", opener=no_follow):
        pass
    assert target.read_text() == "kept"
