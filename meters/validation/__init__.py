"""Validation rules of readings: one file each, found by their key."""

from meters.validation._base import Rule, Stage, ValidationContext, rules

__all__ = ["Rule", "Stage", "ValidationContext", "rules"]
