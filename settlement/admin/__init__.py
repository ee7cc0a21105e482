"""Admin pages, one per noun family."""

from settlement.admin import money, owners, pools, runs

__all__ = ["money", "owners", "pools", "runs"]
