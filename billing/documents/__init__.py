"""Renderers of what leaves the house: invoice PDF, interval CSV, JSON."""

from billing.documents.store import stored_cancellation, stored_pdf

__all__ = ["stored_cancellation", "stored_pdf"]
