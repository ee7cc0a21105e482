"""Validation rules of readings: one file each, found by their key."""

from meters.validation._base import Rule, ValidationContext, rules

__all__ = ["Rule", "ValidationContext", "rules"]
