"""Verbs of carbon accounting: load factors, set a policy, account, publish, verify."""

from esg.services.account import account_carbon, publish_intensity
from esg.services.factors import LoadReceipt, load_factors
from esg.services.policy import set_policy
from esg.services.verification import CarbonReport, verify_emission_run

__all__ = [
    "CarbonReport",
    "LoadReceipt",
    "account_carbon",
    "load_factors",
    "publish_intensity",
    "set_policy",
    "verify_emission_run",
]
