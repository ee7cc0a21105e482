"""Verbs of billing: draft, check, preview, issue, void, verify."""

from billing.services.checks import issue_checks
from billing.services.document import build_document, interval_file
from billing.services.draft import discard_draft, draft_invoice
from billing.services.issue import issue_invoice, preview_pdf
from billing.services.verification import verify_invoice
from billing.services.void import void_invoice

__all__ = [
    "build_document",
    "discard_draft",
    "draft_invoice",
    "interval_file",
    "issue_checks",
    "issue_invoice",
    "preview_pdf",
    "verify_invoice",
    "void_invoice",
]
