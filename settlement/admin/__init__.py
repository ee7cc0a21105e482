"""Admin pages, one per noun family."""

from settlement.admin import pools, runs

__all__ = ["pools", "runs"]
