"""Verbs of settlement: allocate, calculate, review, approve, reject, verify."""

from settlement.services.allocation import current_allocation, run_allocation
from settlement.services.approval import (
    approve_run,
    approve_together,
    mark_invoiced,
    reject_run,
    submit_run,
)
from settlement.services.corrections import flag_runs
from settlement.services.money import Entry, divide_month, enter_item, withdraw_item
from settlement.services.month import recalculate_month, settle_contract, settle_month
from settlement.services.month_end import settle_everything
from settlement.services.owners import state_owners
from settlement.services.readiness import readiness
from settlement.services.runs import calculate, run_settlement
from settlement.services.verification import verify_allocation, verify_run

__all__ = [
    "Entry",
    "approve_run",
    "approve_together",
    "calculate",
    "current_allocation",
    "divide_month",
    "enter_item",
    "flag_runs",
    "mark_invoiced",
    "readiness",
    "recalculate_month",
    "reject_run",
    "run_allocation",
    "run_settlement",
    "settle_contract",
    "settle_everything",
    "settle_month",
    "state_owners",
    "submit_run",
    "verify_allocation",
    "verify_run",
    "withdraw_item",
]
