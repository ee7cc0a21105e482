"""Rows of finished jobs go after their time, not before, and not what nobody has looked at."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from poweroptix.clock import now
from poweroptix.jobs import services
from poweroptix.jobs.models import Job, Recurring
from poweroptix.jobs.pruning import prune_jobs

pytestmark = pytest.mark.django_db


def ended(kind, key, days, state="done"):
    """Return the id of a job that ended so many days ago."""
    kind(lambda _ctx: None)
    job = services.enqueue("probe", key)
    at = now() - timedelta(days=days)
    if state == "cancelled":
        Job.objects.filter(pk=job.pk).update(state=state, finished_at=at)
        return job.pk
    Job.objects.filter(pk=job.pk).update(state="running", owner="w", lease_until=now())
    Job.objects.filter(pk=job.pk).update(
        state=state, finished_at=at, owner="", lease_until=None, error="x" * (state == "dead")
    )
    return job.pk


def test_only_what_ended_long_ago_goes(kind):
    kept = {
        ended(kind, "young", 89), ended(kind, "dead", 400, "dead"), ended(kind, "f", 400, "failed"),
        services.enqueue("probe", "waiting").pk,
    }  # fmt: skip
    gone = {ended(kind, "old", 91), ended(kind, "stopped", 91, "cancelled")}
    assert prune_jobs(now()) == 2
    left = set(Job.objects.values_list("pk", flat=True))
    assert (left & gone, left >= kept) == (set(), True)
    assert prune_jobs(now()) == 0


def test_the_setting_says_how_long(kind, settings):
    settings.JOBS_KEPT_DAYS = 40
    ended(kind, "old", 41)
    assert prune_jobs(now()) == 1


def test_the_database_keeps_what_was_done_lately_whatever_the_setting(kind, settings):
    settings.JOBS_KEPT_DAYS = 1
    ended(kind, "young", 10)
    with pytest.raises(DatabaseError), transaction.atomic():
        prune_jobs(now())


def test_it_runs_as_a_job_and_tells_how_many(kind):
    ended(kind, "old", 200)
    job = services.run_now(services.enqueue("prune_jobs", "nightly"))
    assert (job.state, job.result) == ("done", {"removed": 1}), job.error


def test_preparing_schedules_the_daily_work_once():
    from poweroptix.server.prepare import HOUSEKEEPING, _schedule_housekeeping

    _schedule_housekeeping()
    Recurring.objects.filter(name="prune-jobs").update(every_minutes=60)
    _schedule_housekeeping()
    rows = {row.name: (row.kind, row.every_minutes) for row in Recurring.objects.all()}
    assert {name: rows[name][0] for name in HOUSEKEEPING} == HOUSEKEEPING
    assert rows["prune-jobs"] == ("prune_jobs", 60)
