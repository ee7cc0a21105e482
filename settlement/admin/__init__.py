"""Admin pages, one per noun family."""
