"""Admin pages, one per noun family."""

from contracts.admin import contracts, events, evidence, reference, terms

__all__ = ["contracts", "events", "evidence", "reference", "terms"]
