"""Models of carbon accounting: published factors, the policy of a campus, runs and their lines."""

from esg.models.factors import EmissionFactor, GwpValue
from esg.models.policy import CarbonPolicy
from esg.models.runs import EmissionLine, EmissionRun

__all__ = ["CarbonPolicy", "EmissionFactor", "EmissionLine", "EmissionRun", "GwpValue"]
