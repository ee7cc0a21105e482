"""Renderers of what leaves the house: invoice PDF, interval CSV, JSON."""

from billing.documents.store import stored_pdf

__all__ = ["stored_pdf"]
