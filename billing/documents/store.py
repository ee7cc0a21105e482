"""Where issued files lie: under their own digest, written once, proved whenever they are read."""

from typing import Protocol

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from poweroptix.kernel.canonical import sha256
from poweroptix.kernel.errors import Conflict


class Stored(Protocol):
    """What a stored PDF is known by."""

    pdf: str
    pdf_sha256: str


class Cancelled(Protocol):
    """What a stored cancellation notice is known by."""

    cancellation_pdf: str
    cancellation_pdf_sha256: str


def keep_pdf(pdf: bytes, digest: str) -> str:
    """Keep a PDF under its digest; the same bytes are kept once. Return its name."""
    return _keep(pdf, f"invoices/{digest[:2]}/{digest}.pdf")


def keep_csv(content: bytes, digest: str) -> str:
    """Keep an interval file under its digest, for tenants to take as it was issued."""
    return _keep(content, _csv_name(digest))


def stored_csv(digest: str) -> bytes:
    """Return the interval file of a digest; Conflict when it is gone or differs."""
    name = _csv_name(digest)
    if not digest or not default_storage.exists(name):
        raise Conflict("billing.csv_missing", "The stored interval file is not there.")
    with default_storage.open(name) as stream:
        content = stream.read()
    if sha256(content) != digest:
        raise Conflict("billing.csv_differs", "The stored interval file is not the issued one.")
    return content


def _csv_name(digest: str) -> str:
    return f"invoices/{digest[:2]}/{digest}.csv"


def _keep(content: bytes, name: str) -> str:
    if default_storage.exists(name):
        return name
    return default_storage.save(name, ContentFile(content))


def stored_pdf(invoice: Stored) -> bytes:
    """Return the PDF of an issued invoice as it was issued; it is never made again.

    Conflict when the file is gone or its bytes are not those that were issued.
    """
    return _stored(invoice.pdf, invoice.pdf_sha256, f"PDF of {invoice}")


def stored_cancellation(invoice: Cancelled) -> bytes:
    """Return the notice that an invoice is void as PDF, as it was made; Conflict likewise."""
    what = f"cancellation notice of {invoice}"
    return _stored(invoice.cancellation_pdf, invoice.cancellation_pdf_sha256, what)


def _stored(name: str, digest: str, what: str) -> bytes:
    if not name or not default_storage.exists(name):
        raise Conflict("billing.pdf_missing", f"The stored {what} is not there.")
    with default_storage.open(name) as stream:
        content = stream.read()
    if sha256(content) != digest:
        raise Conflict("billing.pdf_differs", f"The stored {what} is not the issued one.")
    return content
