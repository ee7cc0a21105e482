"""Admin pages, one per noun family."""

from esg.admin import carbon

__all__ = ["carbon"]
