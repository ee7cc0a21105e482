"""Kinds of jobs that only the API starts."""

from meters.models import Campus
from poweroptix.jobs.context import JobContext
from poweroptix.jobs.kinds import job_kinds
from poweroptix.kernel.period import Period
from settlement.services import run_allocation
from settlement.services.month import actor_of


@job_kinds.register("allocate_month")
def allocate_month(context: JobContext) -> None:
    """Split the energy of a campus month among the contracts.

    Payload: `campus` (code) and `period` (2026-03).
    """
    campus = Campus.objects.get(code=context.payload["campus"])
    period = Period.month(campus.zone, context.payload["period"])
    with context.stage(1, "Allocating energy", done=1, total=1) as todo:
        if todo:
            run = run_allocation(campus, period, now=context.now, actor=actor_of(context))
            context.result({"allocation_run": run.pk, "version": run.version})
