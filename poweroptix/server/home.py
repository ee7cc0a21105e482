"""Where this installation keeps its files. Standard library only: it runs before any set-up.

The home holds `venv/`, `pg/` (embedded database), `media/`, `static/`, `log/` and `secret_key`.
`POWEROPTIX_HOME` names it; the choice is remembered in `.poweroptix` beside manage.py, so that
every later command finds the same one.
"""

import os
import secrets
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
REMEMBERED = BASE_DIR / ".poweroptix"


def home() -> Path:
    """Return the home folder: environment, else remembered, else by kind of user.

    Root's home is /var/lib/poweroptix, because the embedded database runs as another user and
    must be able to reach it; everybody else's is `var/` in the project.
    """
    named = os.environ.get("POWEROPTIX_HOME", "")
    if not named and REMEMBERED.exists():
        named = REMEMBERED.read_text(encoding="utf-8").strip()
    if named:
        return Path(named).expanduser().resolve()
    return Path("/var/lib/poweroptix") if os.geteuid() == 0 else BASE_DIR / "var"


def python() -> Path:
    """Return the interpreter of the home's virtual environment."""
    return home() / "venv" / "bin" / "python"


def no_follow(path: str, flags: int) -> int:
    """Open a log as an `opener`; never through a link, because root writes there too."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o640)


def secret_key() -> str:
    """Return this installation's own key, made once and readable by its owner alone."""
    path = home() / "secret_key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was quicker
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        key = secrets.token_urlsafe(64)
        file.write(key + "\n")
    return key
