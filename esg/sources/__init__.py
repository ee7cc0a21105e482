"""Emission-factor sources: one file per publication, each reads its own table."""
