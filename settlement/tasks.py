"""Kinds of jobs of settlement."""

from poweroptix.jobs.context import JobContext
from poweroptix.jobs.kinds import job_kinds
from settlement.services.desk_check import work_desk_check
from settlement.services.month import work_contract, work_month
from settlement.services.month_end import work_month_end
from settlement.services.recalculation import work_recalculation


@job_kinds.register("settle_month")
def settle_month(context: JobContext) -> None:
    """Settle all contracts of a campus month."""
    work_month(context)


@job_kinds.register("settle_contract")
def settle_contract(context: JobContext) -> None:
    """Settle one contract's month."""
    work_contract(context)


@job_kinds.register("recalculate_month")
def recalculate_month(context: JobContext) -> None:
    """Split a campus month anew and calculate every contract that it changes."""
    work_recalculation(context)


@job_kinds.register("month_end")
def month_end(context: JobContext) -> None:
    """Settle a month of all contracts of all campuses."""
    work_month_end(context)


@job_kinds.register("desk_check")
def desk_check(context: JobContext) -> None:
    """Price past months under a proposed version, beside what was billed."""
    work_desk_check(context)
