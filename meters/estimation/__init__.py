"""Estimators of missing readings: one file each, found by their key."""

from meters.estimation._base import Estimate, EstimationContext, Estimator, estimators

__all__ = ["Estimate", "EstimationContext", "Estimator", "estimators"]
