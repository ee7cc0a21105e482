"""Admin pages, one per noun family."""

from settlement.admin import money, pools, runs

__all__ = ["money", "pools", "runs"]
