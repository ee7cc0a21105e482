"""Jobs about jobs."""

from poweroptix.jobs.context import JobContext
from poweroptix.jobs.kinds import job_kinds
from poweroptix.jobs.pruning import prune_jobs


@job_kinds.register("prune_jobs")
def run_prune_jobs(ctx: JobContext) -> None:
    """Remove the rows of jobs that ended long ago (setting JOBS_KEPT_DAYS)."""
    ctx.result({"removed": prune_jobs(ctx.now)})
