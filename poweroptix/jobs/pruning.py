"""Finished jobs do not stay for ever: what they made does, their rows go after some months."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from poweroptix.jobs.models import CancelRequest, Job

#: Rows of one transaction: short enough that nobody waits for it.
BATCH = 5_000
ENDED = ("done", "cancelled")


def prune_jobs(now: datetime) -> int:
    """Remove jobs that were done or stopped before `JOBS_KEPT_DAYS`; return how many.

    Failed and dead jobs stay until somebody has looked at them. The database refuses to lose a
    done job younger than 30 days, whoever asks.
    """
    limit = now - timedelta(days=settings.JOBS_KEPT_DAYS)
    removed = 0
    while True:
        with transaction.atomic():
            old = Job.objects.filter(state__in=ENDED, finished_at__lt=limit).order_by("pk")
            ids = list(old.values_list("pk", flat=True)[:BATCH])
            CancelRequest.objects.filter(job_id__in=ids).delete()
            Job.objects.filter(pk__in=ids).delete()
        removed += len(ids)
        if len(ids) < BATCH:
            return removed
