"""Receiving files: kept whole under their content's digest, known once per source."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction

from meters.formats import Profile, formats, option_faults
from meters.models import ImportFile, ImportProfile
from meters.opening import open_members
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import NotFoundError, Refused

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 4096
UPLOAD_LIMIT_BYTES = 50 * 10**6
# Small windows of the readers let parsing and storing overlap and keep memory low.
READING_OPTIONS = {"window_intervals": 400_000, "window_rows": 400_000}


def receive_files(
    stream: BinaryIO,
    *,
    name: str,
    source: str,
    profile_code: str = "",
    format: str = "",  # noqa: A002 - the word of the file's receipt
    now: datetime,
    actor: Actor,
    limit_bytes: int | None = None,
) -> list[ImportFile]:
    """Keep a file, or each member of a zip or gzip archive; return their rows in order.

    The stream must be seekable. A fault in any member refuses the whole archive. `limit_bytes`
    bounds the upload itself (browser and API: METERS_UPLOAD_LIMIT_BYTES, 50 MB); None means no
    limit but those of archives. The same content from the same source comes back as the row that
    exists, with `is_duplicate` set (`sent_as` is the name it came under this time).

    Raises Refused: F002 too large, A001..A009 archive, F009 no known format, NotFoundError for an
    unknown profile.
    """
    require(actor, "meters.import")
    profile = _profile(profile_code)
    if limit_bytes is not None:
        _check_size(stream, limit_bytes, name)
    kept = [(member.name, _keep(member.stream)) for member in open_members(stream, name)]
    with transaction.atomic():
        return [
            _register(content, member_name, source, profile, format, now, actor)
            for member_name, content in kept
        ]


def receive_file(
    stream: BinaryIO,
    *,
    name: str,
    source: str,
    profile_code: str = "",
    format: str = "",  # noqa: A002
    now: datetime,
    actor: Actor,
    limit_bytes: int | None = None,
) -> ImportFile:
    """Keep one file; as `receive_files`, but an archive must hold exactly one."""
    received = receive_files(
        stream,
        name=name,
        source=source,
        profile_code=profile_code,
        format=format,
        now=now,
        actor=actor,
        limit_bytes=limit_bytes,
    )
    if len(received) != 1:
        raise Refused(
            "file.many", f"{name} holds {len(received)} files; send them as an archive import."
        )
    return received[0]


def upload_limit_bytes() -> int:
    """Return how large an upload by browser or API may be."""
    return int(getattr(settings, "METERS_UPLOAD_LIMIT_BYTES", UPLOAD_LIMIT_BYTES))


def _check_size(stream: BinaryIO, limit: int, name: str) -> None:
    """Refuse an upload that is larger than its limit."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size > limit:
        raise Refused(
            "F002",
            f"{name} is larger than {limit // 10**6} MB. Split it, or give it to "
            "manage.py ingest, which has no limit.",
        )


def _profile(code: str) -> ImportProfile | None:
    if not code:
        return None
    profile = ImportProfile.objects.filter(code=code).first()
    if profile is None:
        known = ", ".join(ImportProfile.objects.values_list("code", flat=True)) or "none"
        raise NotFoundError("profile.unknown", f"There is no profile '{code}'; known: {known}.")
    return profile


def storage_root() -> Path:
    """Return the folder that keeps import files."""
    return Path(settings.MEDIA_ROOT) / "imports"


def _keep(stream: BinaryIO) -> tuple[str, int, str, bytes]:
    """Store a stream under its digest; return (sha256, size, relative path, first bytes).

    Written to a temporary file, flushed to disk, then renamed: a crash leaves a whole file or
    none.
    """
    root = storage_root()
    root.mkdir(parents=True, exist_ok=True)
    digest, size, head = hashlib.sha256(), 0, b""
    with tempfile.NamedTemporaryFile(dir=root, prefix="incoming-", delete=False) as temporary:
        scratch = Path(temporary.name)
        try:
            while part := stream.read(CHUNK_BYTES):
                head = head or part[:HEAD_BYTES]
                digest.update(part)
                size += len(part)
                temporary.write(part)
            temporary.flush()
            os.fsync(temporary.fileno())
            name = digest.hexdigest()
            relative = f"imports/{name[:2]}/{name}"
            target = Path(settings.MEDIA_ROOT) / relative
            target.parent.mkdir(exist_ok=True)
            scratch.replace(target)
            _sync_folder(target.parent)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
    return name, size, relative, head


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _register(
    kept: tuple[str, int, str, bytes],
    name: str,
    source: str,
    profile: ImportProfile | None,
    format_key: str,
    now: datetime,
    actor: Actor,
) -> ImportFile:
    """Return the row of a stored file, new or the one that has this content already."""
    sha256, size, relative, head = kept
    known = ImportFile.objects.filter(source=source, sha256=sha256).first()
    if known is not None:
        return _again(known, name, actor)
    chosen = format_key or (profile.format if profile else "") or sniff(head, name)
    formats.get(chosen)
    with transaction.atomic():
        file, made = ImportFile.objects.get_or_create(
            source=source,
            sha256=sha256,
            defaults={
                "name": Path(name).name[:255] or "unnamed",
                "size": size,
                "path": relative,
                "profile_code": profile.code if profile else "",
                "format": chosen,
                "received_at": now,
                "uploaded_by": str(actor)[:150],
            },
        )
        if made:
            after = {"name": file.name, "size": size, "sha256": sha256, "source": source}
            record("file.receive", file, actor=actor, after=after)
    file.is_duplicate, file.sent_as = not made, Path(name).name
    return file


def _again(file: ImportFile, name: str, actor: Actor) -> ImportFile:
    """Return a file whose content is known, and note that it came again."""
    record("file.duplicate", file, actor=actor, reason=f"{name} has the content of #{file.pk}")
    file.is_duplicate, file.sent_as = True, Path(name).name
    return file


def sniff(head: bytes, name: str) -> str:
    """Return the key of the format that the first bytes look like; Refused F009."""
    for key, plugin in formats.items():
        if plugin.sniff(head):
            return key
    known = ", ".join(formats.keys())
    raise Refused(
        "F009",
        f"{name} looks like none of our formats ({known}). Name its format, or choose a "
        "profile that does; if it is none of them, or was cut on its way, have the source send it "
        "again.",
    )


def open_stored(file: ImportFile) -> BinaryIO:
    """Open the kept bytes; NotFoundError when the storage has lost them."""
    path = Path(settings.MEDIA_ROOT) / file.path
    if not path.is_file():
        raise NotFoundError("file.lost", f"The bytes of file #{file.pk} are not at {file.path}.")
    return path.open("rb")


def profile_of(file: ImportFile) -> Profile:
    """Return the profile that a file is read with; without a row, the format's defaults."""
    row = ImportProfile.objects.filter(code=file.profile_code).first()
    if row is None and file.profile_code:
        raise NotFoundError(
            "profile.unknown", f"The profile '{file.profile_code}' of file #{file.pk} is gone."
        )
    if row is None:
        return Profile(
            format=file.format, received_at=file.received_at, options=dict(READING_OPTIONS)
        )
    return as_profile(row, file.received_at)


def as_profile(row: ImportProfile, received_at: datetime | None) -> Profile:
    """Return what the readers take of a profile, stored or still being written.

    Raises Refused F030 for options that no reader could use.
    """
    for fault in option_faults(row.options):
        raise Refused("F030", f"Import profile {row.code}: {fault}")
    return Profile(
        format=row.format,
        zone=row.zone,
        label=row.label,
        unit=row.unit,
        unit_factor=row.unit_factor,
        sign=row.sign,
        on_row_error=row.on_row_error,
        on_duplicate=row.on_duplicate,
        quality_map=dict(row.quality_map),
        assume_header=row.assume_header,
        received_at=received_at,
        options=READING_OPTIONS | row.options,
    )


def set_profile(file: ImportFile, profile_code: str, *, actor: Actor, reason: str) -> ImportFile:
    """Let a file be read with another profile from now on; then read it again."""
    require(actor, "meters.import")
    profile = _profile(profile_code)
    with transaction.atomic():
        before: Mapping[str, Any] = {"profile": file.profile_code, "format": file.format}
        file.profile_code = profile.code if profile else ""
        file.format = profile.format if profile else file.format
        file.save(update_fields=["profile_code", "format"])
        after = {"profile": file.profile_code, "format": file.format}
        record("file.profile", file, actor=actor, reason=reason, before=before, after=after)
    return file
