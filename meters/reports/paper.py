"""HTML of a report as PDF/A, with no outside resource; the style is `report.css`."""

from __future__ import annotations

import mimetypes
import re
from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings

from poweroptix.kernel.canonical import sha256
from poweroptix.kernel.errors import DomainError

STYLE = Path(__file__).with_name("report.css")
PAPERS = ("letter", "a4")
PLAIN_PATH = re.compile(r"[a-z0-9][a-z0-9._/-]*\Z", re.IGNORECASE)
HOW_TO_INSTALL = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


class PaperUnavailableError(DomainError):
    """This machine cannot make PDFs; everything else works (HTTP 503)."""

    http_status = 503


@cache
def _weasyprint():
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise PaperUnavailableError(
            "report.pdf_unavailable",
            f"PDFs need the Pango libraries, which are missing: {error}. As root: {HOW_TO_INSTALL}",
        ) from error
    return weasyprint


@cache
def _fetcher():
    """Return the only fetcher reports get: own static files."""
    urls = _weasyprint().urls

    class OwnFilesOnly(urls.URLFetcher):
        """Opens no connection and no file outside the static folder."""

        def fetch(self, url, headers=None):
            if url.startswith("static:") and PLAIN_PATH.match(name := url[7:]) and ".." not in name:
                path = Path(settings.BASE_DIR) / "static" / name
                kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                return urls.URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})
            raise ValueError(f"Reports may not load {url[:80]!r}.")

    return OwnFilesOnly(allowed_protocols=set(), allow_redirects=False)


def pdf_of(html: str, attached: tuple[str, bytes], made_at: datetime) -> bytes:
    """Return the PDF of a page with one file attached; the same input gives the same bytes.

    Raises PaperUnavailableError without the libraries, DomainError when it cannot be made.
    """
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration

    fonts, fetcher = FontConfiguration(), _fetcher()
    name, content = attached
    attachment = weasyprint.Attachment(
        string=content, name=name, description="The figures of the report", created=made_at,
        modified=made_at, relationship="Data", url_fetcher=fetcher,
    )  # fmt: skip
    try:
        style = weasyprint.CSS(
            string=STYLE.read_text(encoding="utf-8"), font_config=fonts, url_fetcher=fetcher
        )
        pdf = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[style],
            font_config=fonts,
            attachments=[attachment],
            pdf_identifier=bytes.fromhex(sha256(content)[:32]),
            pdf_variant="pdf/a-3b",
            pdf_tags=True,
        )
    except (ValueError, TypeError, OSError, RecursionError, ArithmeticError) as error:
        raise DomainError(
            "report.pdf_failed", f"The PDF could not be made: {error or type(error).__name__}."
        ) from error
    return pdf
