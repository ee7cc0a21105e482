"""Validation rules of readings: one file each, found by their key."""

from meters.validation._base import OWN_UNIT, Rule, Stage, ValidationContext, rules

__all__ = ["OWN_UNIT", "Rule", "Stage", "ValidationContext", "rules"]
