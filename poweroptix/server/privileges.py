"""Started as root, `manage.py up` gives root's rights away before it answers a visitor.

Web server, worker, supervisor and embedded database then run as one ordinary account
(docs/decisions/0013-no-root.md). What it writes becomes its own; programs, virtual environment
and static files stay root's, so that a broken-in web server cannot change them.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from poweroptix.kernel.errors import Refused
from poweroptix.server.embedded import Server, system_account

VARIABLE = "POWEROPTIX_USER"
_TRIAL = "import django.db, gunicorn, psycopg; open('manage.py').close()"
_SHARED = 0o2770  # what root's commands add to the folder belongs to the account's group


def account_of(server: Server | None) -> pwd.struct_passwd | None:
    """Return whom to run as, making the account where there is none; None when not as root.

    POWEROPTIX_USER names it, `root` keeps root. Without it, it is the owner of the embedded
    database, else `poweroptix`. Refused for a name that does not exist, or that the embedded
    database would not let in.
    """
    named = os.environ.get(VARIABLE, "")
    if os.geteuid() != 0 or named == "root":
        return None
    owner = _owner_of(server)
    if not named:
        return owner or system_account()
    try:
        account = pwd.getpwnam(named)
    except KeyError as fault:
        raise Refused(
            "server.user", f"{VARIABLE} is {named!r}, but this host has no such user."
        ) from fault
    if owner is not None and owner.pw_uid != account.pw_uid:
        raise Refused(
            "server.user",
            f"{VARIABLE} is {named!r}, but the embedded database belongs to {owner.pw_name}; "
            "leave the variable out.",
        )
    return account


def give_up_root(server: Server | None) -> str:
    """Become the account of `account_of` for good; return a sentence when that cannot be.

    The folders that it writes are handed over first. When the account cannot run this
    installation, such as one below /root, everything goes on as root.
    """
    account = account_of(server)
    if account is None:
        return ""
    if not _can_run(account):
        return (
            f"Web server and worker run as root, because user {account.pw_name} cannot run "
            f"{sys.executable} in {settings.BASE_DIR}. Move both to where everybody may pass "
            "through, such as /opt, or start as another user."
        )
    hand_over(Path(settings.HOME), Path(settings.MEDIA_ROOT), account)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    cache = Path(settings.HOME) / "cache"
    os.environ.update(
        HOME=str(cache), XDG_CACHE_HOME=str(cache), USER=account.pw_name, LOGNAME=account.pw_name
    )
    return ""


def hand_over(home: Path, media: Path, account: pwd.struct_passwd) -> None:
    """Give the account what it writes, and let it read the static files."""
    for folder in (home / "log", home / "cache"):
        folder.mkdir(parents=True, exist_ok=True)
        _own(folder, account)
    media.mkdir(parents=True, exist_ok=True)
    if media.stat().st_uid != account.pw_uid:  # many files; later ones come with the right group
        _own(media, account)
    for name in ("pg.lock", "secret_key"):
        if (home / name).exists():
            os.chown(home / name, account.pw_uid, account.pw_gid, follow_symlinks=False)
    for path, is_folder in _below(home / "static"):
        path.chmod(0o755 if is_folder else 0o644)


def _own(folder: Path, account: pwd.struct_passwd) -> None:
    for path, is_folder in _below(folder):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        if is_folder:
            path.chmod(_SHARED)


def _below(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield a folder and all below it, and whether it is a folder; never through a link."""
    for top, folders, files in os.walk(folder):
        yield Path(top), True
        links = [name for name in folders if (Path(top) / name).is_symlink()]
        yield from ((Path(top) / name, False) for name in (*links, *files))


def _can_run(account: pwd.struct_passwd) -> bool:
    """Try it: permissions of every folder on the way are easier asked than read."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _TRIAL],
            cwd=settings.BASE_DIR,
            env={"PATH": os.defpath},
            capture_output=True,
            check=False,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
        )
    except OSError:
        return False
    return done.returncode == 0


def _owner_of(server: Server | None) -> pwd.struct_passwd | None:
    """Return who owns the embedded database's files; None where there is none yet, or root."""
    if server is None or not server.data.exists():
        return None
    owner = server.data.stat().st_uid
    return pwd.getpwuid(owner) if owner else None
