"""Invoice and cancellation as PDF/A-3b: rendered once, from a frozen document, nothing fetched."""

from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.pages.paper import Attached, pdf_of

from .cancelled import cancellation_view
from .text import instant
from .view import view_of

STYLE = Path(__file__).with_name("invoice.css")


def invoice_pdf(document: dict[str, Any]) -> bytes:
    """Return the PDF of a frozen invoice document; the same document gives the same bytes.

    The canonical document travels inside as `invoice.json`. Raises PdfUnavailableError when the
    machine lacks the libraries, DomainError "pdf.failed" when the page cannot be made.
    """
    content = canonical_json(document)
    page = view_of(document, sha256(content))
    stamp = document["issued_at"] or document["prepared_at"]
    html = render_to_string("billing/documents/invoice.html", {"v": page})
    said = "The invoice as data, with every figure, formula and source"
    inside = Attached("invoice.json", content, said, "Source")
    return pdf_of(html, STYLE, inside, instant(stamp))


def cancellation_pdf(document: dict[str, Any]) -> bytes:
    """Return the PDF of a cancellation notice; the same document gives the same bytes.

    The canonical document travels inside as `cancellation.json`. Raises what `invoice_pdf` raises.
    """
    content = canonical_json(document)
    page = cancellation_view(document, sha256(content))
    html = render_to_string("billing/documents/cancellation.html", {"v": page})
    inside = Attached("cancellation.json", content, "The cancellation notice as data", "Source")
    return pdf_of(html, STYLE, inside, instant(document["voided_at"]))
