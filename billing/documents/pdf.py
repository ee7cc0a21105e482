"""Invoice and cancellation as PDF/A-3b: rendered once, from a frozen document, nothing fetched."""

import mimetypes
import re
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import DomainError

from .cancelled import cancellation_view
from .text import instant
from .view import view_of

STYLE = Path(__file__).with_name("invoice.css")
PLAIN_PATH = re.compile(r"[a-z0-9][a-z0-9._/-]*\Z", re.IGNORECASE)
IMAGE_DATA = re.compile(r"data:image/(png|jpeg|gif);base64,")
HOW_TO_INSTALL = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


class PdfUnavailableError(DomainError):
    """This machine cannot make PDFs; everything else works (HTTP 503)."""

    http_status = 503


@cache
def _weasyprint():
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise PdfUnavailableError(
            "billing.pdf_unavailable",
            f"PDFs need the Pango libraries, which are missing: {error}. As root: {HOW_TO_INSTALL}",
            install=HOW_TO_INSTALL,
        ) from error
    return weasyprint


def pdf_available() -> bool:
    """Tell whether this machine can make PDFs."""
    try:
        _weasyprint()
    except PdfUnavailableError:
        return False
    return True


def invoice_pdf(document: dict[str, Any]) -> bytes:
    """Return the PDF of a frozen invoice document; the same document gives the same bytes.

    The canonical document travels inside as `invoice.json`. Raises PdfUnavailableError when the
    machine lacks the libraries, DomainError "billing.pdf_failed" when the page cannot be made.
    """
    content = canonical_json(document)
    page = view_of(document, sha256(content))
    stamp = document["issued_at"] or document["prepared_at"]
    html = render_to_string("billing/documents/invoice.html", {"v": page})
    said = "The invoice as data, with every figure, formula and source"
    return _paper(html, content, "invoice.json", said, stamp)


def cancellation_pdf(document: dict[str, Any]) -> bytes:
    """Return the PDF of a cancellation notice; the same document gives the same bytes.

    The canonical document travels inside as `cancellation.json`. Raises what `invoice_pdf` raises.
    """
    content = canonical_json(document)
    page = cancellation_view(document, sha256(content))
    html = render_to_string("billing/documents/cancellation.html", {"v": page})
    said = "The cancellation notice as data"
    return _paper(html, content, "cancellation.json", said, document["voided_at"])


def _paper(html: str, content: bytes, name: str, description: str, made_at: str) -> bytes:
    """Return the page as PDF with its document inside; dates and identifier come from it."""
    stamp = instant(made_at)
    attachment = _weasyprint().Attachment(
        string=content,
        name=name,
        description=description,
        created=stamp,
        modified=stamp,
        relationship="Source",
        url_fetcher=_fetcher(),
    )
    return _write(html, [attachment], bytes.fromhex(sha256(content)[:32]))


def _write(html: str, attachments: list, identifier: bytes) -> bytes:
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    fonts, fetcher = FontConfiguration(), _fetcher()
    try:
        style = weasyprint.CSS(
            string=STYLE.read_text(encoding="utf-8"), font_config=fonts, url_fetcher=fetcher
        )
        pdf = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[style],
            font_config=fonts,
            attachments=attachments,
            pdf_identifier=identifier,
            pdf_variant="pdf/a-3b",
            pdf_tags=True,
        )
    except (ValueError, TypeError, OSError, RecursionError, ArithmeticError) as error:
        raise DomainError(
            "billing.pdf_failed", f"The PDF could not be made: {error or type(error).__name__}."
        ) from error
    if not pdf or not pdf.startswith(b"%PDF-"):
        raise DomainError("billing.pdf_failed", "The PDF could not be made: it came out empty.")
    return pdf


@cache
def _fetcher():
    """Return the only fetcher documents get: own static files and small inline images."""
    urls = _weasyprint().urls

    class OwnFilesOnly(urls.URLFetcher):
        """Opens no connection and no file outside the static folder."""

        def fetch(self, url, headers=None):
            if IMAGE_DATA.match(url):
                return super().fetch(url)
            if url.startswith("static:") and PLAIN_PATH.match(name := url[7:]) and ".." not in name:
                path = Path(settings.BASE_DIR) / "static" / name
                kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                return urls.URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})
            raise ValueError(f"Documents may not load {url[:80]!r}.")

    return OwnFilesOnly(allowed_protocols={"data"}, allow_redirects=False)
