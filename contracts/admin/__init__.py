"""Admin pages, one per noun family."""

from contracts.admin import contracts, events, evidence, quantities, reference, terms

__all__ = ["contracts", "events", "evidence", "quantities", "reference", "terms"]
