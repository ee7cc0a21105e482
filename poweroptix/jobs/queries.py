"""Questions about jobs that pages, the health check and the supervisor ask."""

from __future__ import annotations

from typing import Any

from django.db import connection

from poweroptix.jobs.models import Job

OLDEST_SECONDS_MAX = 120


def health() -> dict[str, Any]:
    """Return how the queue is: counts by state, seconds of the oldest waiting job and last tick.

    `ok` is False when a runnable job has waited more than two minutes; without a waiting job a
    silent queue is fine.
    """
    waiting = oldest_waiting_seconds()
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM jobs_job GROUP BY state")
        counts = dict(cursor.fetchall())
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - at)::bigint FROM jobs_tick "
            "WHERE name = 'sweep'"
        )
        row = cursor.fetchone()
    return {
        "ok": waiting <= OLDEST_SECONDS_MAX,
        "counts": counts,
        "oldest_waiting_seconds": waiting,
        "last_sweep_seconds": row[0] if row else None,
    }


def open_jobs(tenant_id: int | None = None):
    """Return jobs that may still move, newest first; of one tenant when given."""
    jobs = Job.objects.filter(state__in=["queued", "running"])
    return jobs if tenant_id is None else jobs.filter(tenant_id=tenant_id)


def stuck_jobs():
    """Return jobs that ended without doing their work and wait for a person."""
    return Job.objects.filter(state__in=["failed", "dead"])


def oldest_waiting_seconds() -> int:
    """Return how long the oldest job has waited that could run, in seconds; 0 when none waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - run_after)), 0)::bigint "
            "FROM jobs_job WHERE state = 'queued' AND run_after <= clock_timestamp()"
        )
        return cursor.fetchone()[0]
