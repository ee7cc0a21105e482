"""Where issued PDFs lie: under their own digest, written once, proved whenever they are read."""

from typing import Protocol

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from poweroptix.kernel.canonical import sha256
from poweroptix.kernel.errors import Conflict


class Stored(Protocol):
    """What a stored PDF is known by."""

    pdf: str
    pdf_sha256: str


def keep_pdf(pdf: bytes, digest: str) -> str:
    """Keep a PDF under its digest; the same bytes are kept once. Return its name."""
    name = f"invoices/{digest[:2]}/{digest}.pdf"
    if default_storage.exists(name):
        return name
    return default_storage.save(name, ContentFile(pdf))


def stored_pdf(invoice: Stored) -> bytes:
    """Return the PDF of an issued invoice as it was issued; it is never made again.

    Conflict when the file is gone or its bytes are not those that were issued.
    """
    if not invoice.pdf or not default_storage.exists(invoice.pdf):
        raise Conflict("billing.pdf_missing", f"The stored PDF of {invoice} is not there.")
    with default_storage.open(invoice.pdf) as stream:
        content = stream.read()
    if sha256(content) != invoice.pdf_sha256:
        raise Conflict("billing.pdf_differs", f"The stored PDF of {invoice} is not the issued one.")
    return content
