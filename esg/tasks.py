"""Kinds of jobs of carbon."""

from esg.models import EmissionRun
from esg.services import account_carbon
from poweroptix.jobs.context import JobContext
from poweroptix.jobs.kinds import job_kinds
from settlement.models import AllocationRun


@job_kinds.register("account_carbon")
def run_account_carbon(context: JobContext) -> None:
    """Account the carbon of an allocation; nothing to do once a newer one has replaced it.

    Payload: `allocation_run`.
    """
    allocation = AllocationRun.objects.select_related("campus").get(
        pk=int(context.payload["allocation_run"])
    )
    with context.stage(1, f"Accounting {allocation}", done=1, total=1) as todo:
        if todo and allocation.state != AllocationRun.State.SUPERSEDED:
            account_carbon(allocation, now=context.now, actor=context.actor)
    made = EmissionRun.objects.filter(allocation_run=allocation).values_list("pk", flat=True)
    context.result({"emission_runs": list(made)})
