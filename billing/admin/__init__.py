"""Admin pages, one per noun family."""

from billing.admin import invoices

__all__ = ["invoices"]
