"""Estimators of missing readings: one file each, found by their key."""

from meters.estimation._base import Estimate, EstimationContext, Estimator, Flag, estimators

__all__ = ["Estimate", "EstimationContext", "Estimator", "Flag", "estimators"]
