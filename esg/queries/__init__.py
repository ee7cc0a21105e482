"""Questions of carbon accounting: factors, policies, what a campus burnt, what a contract took."""

from esg.queries.factors import factor_uses, factors_on, gwp_of
from esg.queries.lines import current_run, line_of_contract, lines_of_run
from esg.queries.plan import inputs_of, plan_of, policy_on

__all__ = [
    "current_run",
    "factor_uses",
    "factors_on",
    "gwp_of",
    "inputs_of",
    "line_of_contract",
    "lines_of_run",
    "plan_of",
    "policy_on",
]
