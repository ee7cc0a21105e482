"""Papers of a contract: checked by what they hold, kept under their digest, read with proof."""

import hashlib
import os
import tempfile
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from contracts.models import Contract, ContractDocument
from contracts.services._save import checked_save
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Refused

MOST_BYTES = 20_000_000
OFFICE = "application/vnd.openxmlformats-officedocument."
#: First bytes of a type, the endings its names have, and how it is served.
TYPES: tuple[tuple[bytes, dict[str, str]], ...] = (
    (b"%PDF-", {".pdf": "application/pdf"}),
    (b"\x89PNG\r\n\x1a\n", {".png": "image/png"}),
    (b"\xff\xd8\xff", {".jpg": "image/jpeg", ".jpeg": "image/jpeg"}),
    (
        b"PK\x03\x04",
        {
            ".docx": f"{OFFICE}wordprocessingml.document",
            ".xlsx": f"{OFFICE}spreadsheetml.sheet",
        },
    ),
)
TEXTS = {".csv": "text/csv", ".txt": "text/plain"}
KNOWN = "PDF, PNG, JPEG, DOCX, XLSX, CSV or TXT"


def type_of(name: str, content: bytes) -> str:
    """Return the media type of a file whose name and content agree. Refused otherwise.

    >>> type_of("ppa.pdf", b"%PDF-1.7 ...")
    'application/pdf'
    """
    ending = Path(name).suffix.lower()
    for head, endings in TYPES:
        if content.startswith(head):
            if ending in endings:
                return endings[ending]
            expected = " or ".join(endings)
            text = f"'{name}' holds what is called {expected}, not '{ending}'."
            raise Refused("contracts.document_type", text)
    if ending in TEXTS and is_text(content):
        return TEXTS[ending]
    text = f"'{name}' is not what its name says, or of a type that is not kept; give {KNOWN}."
    raise Refused("contracts.document_type", text)


def is_text(content: bytes) -> bool:
    """Return True for UTF-8 without NUL."""
    try:
        return "\x00" not in content.decode()
    except UnicodeDecodeError:
        return False


@transaction.atomic
def attach_document(
    contract: Contract, *, kind: str, name: str, content: bytes, actor: Actor, now: datetime
) -> ContractDocument:
    """Keep a paper of the contract. Refused when it is empty, too large, of another type, or held.

    The bytes are written before the row, so a row always has its file.
    """
    require(actor, "contracts.edit")
    name = name.replace("\x00", "").strip()[-200:]
    if not content or len(content) > MOST_BYTES:
        text = f"'{name}' is empty." if not content else f"'{name}' is larger than 20 MB."
        raise Refused("contracts.document_size", text)
    row = ContractDocument(
        contract=contract,
        kind=kind,
        name=name,
        content_type=type_of(name, content),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        recorded_at=now,
        recorded_by=str(actor),
    )
    keep(row.path, content)
    checked_save(row)
    record("contract.document_attached", row, actor=actor, after={"sha256": row.sha256})
    return row


def keep(relative: str, content: bytes) -> None:
    """Write a file below the storage's root; a crash leaves a whole file or none."""
    target = Path(settings.MEDIA_ROOT) / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as scratch:
        try:
            scratch.write(content)
            scratch.flush()
            os.fsync(scratch.fileno())
            Path(scratch.name).replace(target)
        except BaseException:
            Path(scratch.name).unlink(missing_ok=True)
            raise


def document_bytes(document: ContractDocument) -> bytes:
    """Return the bytes of a paper. Conflict when they are gone or not those that were attached."""
    try:
        content = (Path(settings.MEDIA_ROOT) / document.path).read_bytes()
    except FileNotFoundError as error:
        text = f"The file of '{document.name}' is not in the storage; restore it from the backup."
        raise Conflict("contracts.document_gone", text) from error
    if hashlib.sha256(content).hexdigest() != document.sha256:
        text = f"'{document.name}' is not the file that was attached: its SHA-256 differs."
        raise Conflict("contracts.document_differs", text)
    return content
