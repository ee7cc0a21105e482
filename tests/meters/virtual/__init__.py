"""Stored virtual channels."""
