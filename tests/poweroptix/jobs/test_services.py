"""Jobs in one process: once, in stages, with progress, and what happens when they fail."""

import logging

import pytest
from django.db import connection, transaction

from poweroptix.jobs import doorbell, ledger, queries, services
from poweroptix.jobs.context import LostLeaseError
from poweroptix.jobs.models import Job, Tick
from poweroptix.kernel.errors import NotFoundError, Refused
from tests.poweroptix.jobs.conftest import note, three_stages

pytestmark = pytest.mark.django_db


def make_due(job):
    Job.objects.filter(pk=job.pk).update(run_after="2000-01-01T00:00Z")


def test_a_job_runs_its_stages_and_ends(kind):
    kind(three_stages)
    job = services.run_now(services.enqueue("probe", "a", {"name": "a"}))
    assert (job.state, job.stage, job.attempts, job.result) == ("done", 3, 1, {"parts": 3})
    assert (job.progress_done, job.progress_total, job.progress_label) == (3, 3, "part 3")
    assert Tick.objects.count() == 3
    assert job.finished_at >= job.started_at >= job.created_at


def test_the_same_key_is_the_same_job(kind):
    kind(three_stages)
    first = services.enqueue("probe", "a", {"name": "a"})
    again = services.enqueue("probe", "a", {"name": "other"})
    assert (first.pk, first.is_new) == (again.pk, True)
    assert not again.is_new
    assert again.payload == {"name": "a"}
    services.drain()
    assert services.run_now(again).attempts == 1
    assert services.enqueue("probe", "a").state == "done"


def test_a_rolled_back_enqueue_leaves_neither_job_nor_ring(kind):
    from django_q.models import OrmQ

    kind(three_stages)
    with transaction.atomic():
        services.enqueue("probe", "a")
        transaction.set_rollback(True)
    assert Job.objects.count() == 0
    assert OrmQ.objects.count() == 0


def test_one_ring_per_transaction(kind):
    from django_q.models import OrmQ

    kind(three_stages)
    for number in range(5):
        services.enqueue("probe", f"{number}")
    assert OrmQ.objects.count() == 1
    assert OrmQ.objects.get().task["func"] == "poweroptix.jobs.doorbell.kick"


def test_unknown_kinds_and_floats_are_refused(kind):
    kind(three_stages)
    with pytest.raises(NotFoundError, match=r"no job kind 'nope'; known: .*probe"):
        services.enqueue("nope", "a")
    with pytest.raises(Refused, match="float"):
        services.enqueue("probe", "a", {"kwh": 1.5})


def test_a_refusal_fails_at_once_and_says_why(kind):
    def handler(ctx):
        raise Refused("meters.file", "Line 3 has no meter.")

    kind(handler)
    job = services.run_now(services.enqueue("probe", "a"))
    assert (job.state, job.error_code, job.error, job.attempts) == (
        "failed",
        "meters.file",
        "Line 3 has no meter.",
        1,
    )


def test_an_accident_undoes_the_stage_and_waits_longer_each_time(kind, caplog):
    def handler(ctx):
        with ctx.stage(1):
            note("half")
            raise RuntimeError("the disk sighed")

    kind(handler, retry_seconds=10)
    job = services.enqueue("probe", "a")
    with caplog.at_level(logging.CRITICAL, logger="poweroptix.jobs.services"):
        waits = []
        for _ in range(3):
            job = services.run_now(job)
            waits.append((job.run_after - job.started_at).total_seconds())
    assert Tick.objects.count() == 0
    assert [round(wait / 10) for wait in waits] == [1, 4, 16]
    assert (job.state, job.attempts) == ("dead", 3)
    assert job.error == "RuntimeError: the disk sighed"
    assert "the disk sighed" in job.trace
    assert services.run_now(job).attempts == 3


def test_a_failed_job_waits_for_its_time(kind):
    def handler(ctx):
        raise RuntimeError("no")

    kind(handler)
    job = services.enqueue("probe", "a")
    assert services.drain().ran == 1
    assert services.drain().ran == 0
    make_due(job)
    assert services.drain().ran == 1


def test_finished_stages_are_not_done_again(kind):
    def handler(ctx):
        ctx.step(1, "first", lambda: note("first"))
        with ctx.stage(2) as todo:
            if todo:
                note(f"second-{ctx.attempt}")
        if ctx.attempt == 1:
            raise RuntimeError("later")

    kind(handler)
    job = services.run_now(services.run_now(services.enqueue("probe", "a")))
    assert job.state == "done"
    assert sorted(Tick.objects.values_list("name", flat=True)) == ["first", "second-1"]


def test_a_body_that_ignores_todo_is_undone_on_resume(kind):
    def handler(ctx):
        with ctx.stage(1):
            note(f"try-{ctx.attempt}")
        if ctx.attempt == 1:
            raise RuntimeError("later")

    kind(handler)
    services.run_now(services.run_now(services.enqueue("probe", "a")))
    assert list(Tick.objects.values_list("name", flat=True)) == ["try-1"]


def test_the_result_of_a_finished_stage_survives(kind):
    def handler(ctx):
        with ctx.stage(1) as todo:
            if todo:
                ctx.result({"rows": 7})
        if ctx.attempt == 1:
            raise RuntimeError("later")
        assert ctx.saved == {"rows": 7}

    kind(handler)
    job = services.run_now(services.run_now(services.enqueue("probe", "a")))
    assert (job.state, job.result) == ("done", {"rows": 7})


def test_a_stale_worker_writes_nothing(kind):
    lost = []

    def handler(ctx):
        with ctx.stage(1):
            note("one")
        Job.objects.update(lease_until="2000-01-01T00:00Z")
        assert ledger.claim("another worker", 90).fence == 2
        try:
            with ctx.stage(2):
                note("two")
        except LostLeaseError:
            lost.append(True)
            raise

    kind(handler)
    job = services.run_now(services.enqueue("probe", "a"))
    assert lost == [True]
    assert list(Tick.objects.values_list("name", flat=True)) == ["one"]
    assert (job.state, job.owner, job.fence, job.stage) == ("running", "another worker", 2, 1)


def test_a_stale_worker_can_neither_end_nor_return_the_job(kind):
    kind(three_stages)
    services.enqueue("probe", "a")
    old = ledger.claim("old", 90)
    Job.objects.update(lease_until="2000-01-01T00:00Z")
    new = ledger.claim("new", 90)
    assert ledger.hold(old) is None
    assert ledger.hold(new) == (0, False)
    assert not ledger.end(old, "done")
    assert ledger.give_back(old, 0) == ""
    with connection.cursor() as cursor:
        assert not ledger.beat(cursor, old, 90)
        assert ledger.beat(cursor, new, 90)
    assert ledger.end(new, "done")


def test_a_job_whose_workers_keep_dying_is_buried(kind):
    kind(three_stages)
    job = services.enqueue("probe", "a")
    for _ in range(3):
        assert ledger.claim("doomed", 90) is not None
        Job.objects.update(lease_until="2000-01-01T00:00Z")
    assert ledger.claim("doomed", 90) is None
    services.sweep()
    job.refresh_from_db()
    assert job.state == "dead"
    assert job.error.startswith("Gave up: the lease ran out 3 times")
    assert job in queries.stuck_jobs()


def test_time_up_pauses_after_a_stage_and_costs_no_attempt(kind):
    kind(three_stages)
    job = services.enqueue("probe", "a", {"name": "a"})
    claim = ledger.claim("me", 90)
    services._run(claim, deadline=0)
    job.refresh_from_db()
    assert (job.state, job.stage, job.attempts) == ("queued", 1, 0)
    assert services.drain().ran == 1
    job.refresh_from_db()
    assert (job.state, job.stage, Tick.objects.count()) == ("done", 3, 3)


def test_drain_stops_at_its_time_and_says_that_there_is_more(kind):
    kind(three_stages)
    services.enqueue("probe", "a", {"name": "a"})
    assert services.drain(0) == services.Drained(0, more=True)
    assert services.drain() == services.Drained(1, more=False)


def test_kick_rings_again_only_while_there_is_more(kind, monkeypatch):
    from django_q.models import OrmQ

    kind(three_stages)
    services.enqueue("probe", "a", {"name": "a"})
    OrmQ.objects.all().delete()
    monkeypatch.setattr(doorbell, "KICK_SECONDS", 0)
    assert doorbell.kick() == 0
    assert OrmQ.objects.count() == 1
    monkeypatch.setattr(doorbell, "KICK_SECONDS", 45)
    assert doorbell.kick() == 1
    assert OrmQ.objects.count() == 1


def test_progress_shows_between_stages(kind):
    seen = []

    def handler(ctx):
        with ctx.stage(1, "reading", done=10, total=40):
            pass
        seen.append(Job.objects.get().progress_done)
        ctx.progress(20, 40, "checking")
        seen.append(Job.objects.get().progress_label)
        seen.append(Job.objects.get().progress_ratio)

    kind(handler)
    services.run_now(services.enqueue("probe", "a"))
    assert seen == [10, "checking", 0.5]
