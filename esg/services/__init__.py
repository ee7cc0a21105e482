"""Verbs of carbon accounting."""
