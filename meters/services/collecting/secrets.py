"""Reading the secret of a source from where it is kept; it is never stored or shown."""

import os
from pathlib import Path

from django.conf import settings

from poweroptix.kernel.errors import Refused


def secret_at(place: str) -> str:
    """Return the secret at `env:NAME` or `file:NAME`; empty for no place.

    Raises Refused, naming the place alone, when there is nothing.
    """
    how, _, name = place.partition(":")
    if not place:
        return ""
    if how == "env":
        secret = os.environ.get(name, "")
        missing = f"The variable {name} is not set where the worker runs."
    else:
        secret = _in_file(name)
        missing = f"The folder of secrets (POWEROPTIX_SECRETS_DIR) has no readable file {name}."
    if not secret:
        raise Refused("source.secret", missing)
    return secret


def _in_file(name: str) -> str:
    folder = settings.METERS_SECRETS_DIR
    path = Path(folder) / name
    if not folder or not path.is_file() or not os.access(path, os.R_OK):
        return ""
    return path.read_text(encoding="utf-8").rstrip("\r\n")
