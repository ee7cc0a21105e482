"""Months as jobs: fan-out, progress, resuming after a worker's death, people behind jobs."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from poweroptix.accounts.models import User
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain, run_now
from poweroptix.kernel.errors import Conflict, Refused
from settlement.models import AllocationRun, Line, SettlementRun
from settlement.services import (
    approve_run,
    recalculate_month,
    run_settlement,
    settle_contract,
    settle_month,
)
from settlement.services.allocation import lock
from tests.settlement.world import MARCH, NOW, SYSTEM, World, person


class DiedError(BaseException):
    """What a test raises where a worker dies."""


def kill_at(place, kind="settle_contract"):
    """Return a failpoint that dies once at a place of the run."""
    left = [place]

    def point(name):
        if left and name == left[0]:
            left.clear()
            raise DiedError

    return point


@pytest.fixture
def world(transactional_db):
    return World()


def expire(job):
    """Let the lease of a dead worker run out."""
    Job.objects.filter(pk=job.pk).update(lease_until="2000-01-01T00:00:00Z")


def test_a_month_becomes_one_job_per_contract(world):
    month = run_now(settle_month(world.campus, "2026-03", now=NOW, actor=world.analyst))
    assert month.state == "done", month.error
    assert AllocationRun.objects.count() == 1
    assert drain(30).ran == 2
    runs = SettlementRun.objects.order_by("contract__code")
    assert [(run.contract.code, run.state) for run in runs] == [
        ("PPA-ALFA", "CALCULATED"),
        ("PPA-BRAVO", "CALCULATED"),
    ]
    assert {run.created_by for run in runs} == {"user:ana"}
    job = Job.objects.filter(kind="settle_contract").first()
    assert (job.state, job.progress_done, job.progress_total) == ("done", 2, 2)


def test_asking_twice_while_it_waits_gives_the_same_job(world):
    first = settle_month(world.campus, "2026-03", now=NOW, actor=world.analyst)
    again = settle_month(world.campus, "2026-03", now=NOW, actor=world.analyst)
    assert first.pk == again.pk


def test_a_month_that_is_none_is_refused_before_a_job_exists(world):
    with pytest.raises(Refused, match="'2026-13' is not a month"):
        settle_month(world.campus, "2026-13", now=NOW, actor=world.analyst)
    with pytest.raises(Refused, match="No contract of CAP holds in 2025-12; there is nothing"):
        settle_month(world.campus, "2025-12", now=NOW, actor=world.analyst)
    assert not Job.objects.exists()


def test_a_month_that_is_not_over_is_refused_before_a_job_exists(world):
    early = MARCH.end_utc - timedelta(seconds=1)
    said = {"reason": "Now.", "now": early, "actor": world.analyst}
    for ask in (
        lambda: settle_month(world.campus, "2026-03", **said),
        lambda: settle_contract(world.alfa, "2026-03", **said),
        lambda: recalculate_month(world.campus, "2026-03", **said),
    ):
        with pytest.raises(Refused, match="2026-03 is not over"):
            ask()
    assert not Job.objects.exists()
    assert settle_month(world.campus, "2026-03", **{**said, "now": MARCH.end_utc}).pk


@pytest.mark.parametrize("place", ["after_claim", "after_effect", "after_commit", "before_done"])
def test_a_worker_killed_during_a_run_loses_and_doubles_nothing(world, place):
    job = settle_contract(world.alfa, "2026-03", now=NOW, actor=world.analyst)
    with pytest.raises(DiedError):
        drain(30, at_point=kill_at(place))
    expire(job)
    assert drain(30).ran == 1
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)
    assert SettlementRun.objects.count() == 1
    assert AllocationRun.objects.count() == 1
    assert Line.objects.count() == 1


def test_a_refusal_ends_the_job_with_its_sentence(world):
    world.alfa.points.all().delete()
    world.pool.members.filter(contract=world.alfa).delete()
    job = run_now(settle_contract(world.alfa, "2026-03", now=NOW, actor=world.analyst))
    assert (job.state, job.error_code) == ("failed", "settlement.not_allocated")
    assert "holds no energy of PPA-ALFA" in job.error


def test_somebody_who_may_not_settle_cannot_through_a_job(world):
    viewer = person("vic", "viewer")
    job = run_now(settle_contract(world.alfa, "2026-03", now=NOW, actor=viewer))
    assert job.state == "failed"
    assert "in settlement; it takes" in job.error


def threads(*works):
    """Run functions at once, each on its own connection; return what came of each."""
    results = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(at, work):
        try:
            gate.wait()
            results[at] = work()
        except Exception as error:  # noqa: BLE001 - handed to the test
            results[at] = error
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=(at, work)) for at, work in enumerate(works)]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
    return results


def test_two_approvers_at_once_make_one_approval(world):
    run = run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst)
    others = [person(f"p{at}", "approver") for at in range(3)]
    results = threads(
        *(
            lambda who=who: approve_run(SettlementRun.objects.get(pk=run.pk), actor=who, now=NOW)
            for who in others
        )
    )
    approved = [one for one in results if isinstance(one, SettlementRun)]
    refused = [one for one in results if isinstance(one, Conflict)]
    assert (len(approved), len(refused)) == (1, 2), results
    assert "approved this run at 2026-04-02 09:00 UTC" in str(refused[0])


def test_two_calculations_at_once_make_one_run(world):
    results = threads(
        *(lambda: run_settlement(world.alfa, MARCH, now=NOW, actor=world.analyst) for _ in range(3))
    )
    made = {one.pk for one in results if isinstance(one, SettlementRun)}
    busy = [one for one in results if isinstance(one, Conflict)]
    assert len(made) == 1, results
    assert len(made) + len(busy) >= 1
    assert SettlementRun.objects.count() == 1
    assert AllocationRun.objects.count() == 1


def test_a_second_runner_is_told_that_it_runs_already(world):
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            lock(f"settle:{world.alfa.pk}/2026-03", "busy")
            held.set()
            done.wait(30)
        return True

    def settle():
        held.wait(30)
        try:
            return run_settlement(world.alfa, MARCH, now=NOW, actor=SYSTEM)
        finally:
            done.set()

    _, second = threads(hold, settle)
    assert isinstance(second, Conflict), second
    assert "is already being calculated" in str(second)


def test_a_person_who_left_is_still_named(world):
    User.objects.filter(username="ana").update(is_active=False)
    job = run_now(settle_contract(world.alfa, "2026-03", now=NOW, actor=world.analyst))
    assert job.state == "failed"
