"""Admin pages, one per noun family."""

from settlement.admin import closing, money, owners, pools, runs

__all__ = ["closing", "money", "owners", "pools", "runs"]
