"""HTML as PDF/A-3, rendered once and with no outside resource; the same input, the same bytes."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from poweroptix.kernel.canonical import sha256
from poweroptix.kernel.errors import DomainError

PLAIN_PATH = re.compile(r"[a-z0-9][a-z0-9._/-]*\Z", re.IGNORECASE)
IMAGE_DATA = re.compile(r"data:image/(png|jpeg|gif);base64,")
HOW_TO_INSTALL = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


class PdfUnavailableError(DomainError):
    """This machine cannot make PDFs; everything else works (HTTP 503)."""

    http_status = 503


@dataclass(frozen=True)
class Attached:
    """The file that travels inside: what the page says, for programs.

    `relationship` is that of ISO 32000-2, 14.13: `Source` of the page, or its `Data`.
    """

    name: str
    content: bytes
    description: str
    relationship: str


def pdf_available() -> bool:
    """Tell whether this machine can make PDFs."""
    try:
        weasyprint()
    except PdfUnavailableError:
        return False
    return True


def pdf_of(html: str, style: Path, inside: Attached, made_at: datetime) -> bytes:
    """Return the PDF of a page with its data inside; dates and identifier come from these alone.

    Raises PdfUnavailableError without the libraries, DomainError "pdf.failed" when the page cannot
    be made.
    """
    tool = weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    fonts, fetcher = FontConfiguration(), _fetcher()
    attachment = tool.Attachment(
        string=inside.content,
        name=inside.name,
        description=inside.description,
        created=made_at,
        modified=made_at,
        relationship=inside.relationship,
        url_fetcher=fetcher,
    )
    try:
        sheet = tool.CSS(
            string=style.read_text(encoding="utf-8"), font_config=fonts, url_fetcher=fetcher
        )
        pdf = tool.HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[sheet],
            font_config=fonts,
            attachments=[attachment],
            pdf_identifier=bytes.fromhex(sha256(inside.content)[:32]),
            pdf_variant="pdf/a-3b",
            pdf_tags=True,
        )
    except (ValueError, TypeError, OSError, RecursionError, ArithmeticError) as error:
        raise DomainError(
            "pdf.failed", f"The PDF could not be made: {error or type(error).__name__}."
        ) from error
    if not pdf or not pdf.startswith(b"%PDF-"):
        raise DomainError("pdf.failed", "The PDF could not be made: it came out empty.")
    return pdf


@cache
def weasyprint():
    """Return the library that makes PDFs; PdfUnavailableError says what to install."""
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise PdfUnavailableError(
            "pdf.unavailable",
            f"PDFs need the Pango libraries, which are missing: {error}. As root: {HOW_TO_INSTALL}",
            install=HOW_TO_INSTALL,
        ) from error
    return weasyprint


@cache
def _fetcher():
    """Return the only fetcher a page gets: own static files and small inline images."""
    urls = weasyprint().urls

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
