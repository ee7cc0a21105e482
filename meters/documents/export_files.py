"""Where exports that a job has written wait to be taken: whole, and only for some days."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from django.conf import settings

from meters.queries.export import Export
from poweroptix.kernel.errors import NotFoundError

KEPT_DAYS = 7


def folder() -> Path:
    """Return the folder of finished exports."""
    return Path(settings.MEDIA_ROOT) / "exports"


def written(export: Export) -> IO[bytes]:
    """Return an export as a nameless file at its first byte.

    A refused reading is known before anybody has the first byte of a file that would be cut.
    """
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        for part in export.content():
            stream.write(part)
    except BaseException:
        stream.close()
        raise
    stream.seek(0)
    return stream


def keep(export: Export, job_id: int, told: Callable[[int], None]) -> int:
    """Write an export under the number of its job; return its size in bytes.

    A file is there whole or not at all; written again, it replaces itself.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder(), prefix="writing-", delete=False) as stream:
        scratch = Path(stream.name)
        try:
            for part in export.content(told):
                stream.write(part)
            size = stream.tell()
            scratch.replace(folder() / str(job_id))
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
    return size


def kept(job_id: int) -> IO[bytes]:
    """Return the export of a job; NotFoundError when it was removed or never finished."""
    path = folder() / str(job_id)
    if not path.exists():
        text = f"The file of job {job_id} is not there; it is kept for {KEPT_DAYS} days."
        raise NotFoundError("export.gone", text)
    return path.open("rb")


def prune(now: datetime) -> None:
    """Remove exports, and what a crash left of one, that are older than `KEPT_DAYS`."""
    limit = (now - timedelta(days=KEPT_DAYS)).timestamp()
    for path in folder().glob("*"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
