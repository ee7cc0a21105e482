"""Admin pages, one per noun family."""

from contracts.admin import contracts, evidence, reference, terms

__all__ = ["contracts", "evidence", "reference", "terms"]
