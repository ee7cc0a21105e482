"""Renderers of what leaves the house: invoice PDF, interval CSV, JSON."""
