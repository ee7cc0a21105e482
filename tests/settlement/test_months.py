"""A campus month rests on one split: recalculated in one go, approved together or not at all."""

from datetime import timedelta

import pytest

from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from settlement import invariants
from settlement.models import AllocationRun, PoolMember, SettlementRun
from settlement.queries.month import apart_from, companions
from settlement.services import (
    approve_run,
    approve_together,
    current_allocation,
    recalculate_month,
    run_allocation,
)
from settlement.services.judgement import Judge
from tests.settlement.acts import approve, force, settle
from tests.settlement.world import MARCH, NOW, World, person, readings

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
APART = (
    r"PPA-BRAVO v1 is approved with the energy of an older allocation of 2026-03, and the newer "
    r"one gives other kWh\. "
)


def corrected(**more):
    """Return a world with two approved runs, whose ALFA meter was corrected afterwards."""
    world = World(**more)
    for which in ("alfa", "bravo"):
        approve(world, settle(world, which))
    readings(world.alfa_meter, 61, now=LATER)
    return world


def again(world, **more):
    more = {"reason": "Read again.", **more}
    job = recalculate_month(world.campus, "2026-03", now=LATER, actor=world.analyst, **more)
    done = run_now(job)
    assert done.state == "done", done.error
    return done


def offenders():
    from django.db import connection

    with connection.cursor() as cursor:
        return invariants.one_split(cursor)


def test_one_action_makes_one_allocation_and_a_true_up_of_every_contract_it_changes():
    world = corrected()
    job = again(world, reason="The ALFA meter was wired wrong.")
    assert AllocationRun.objects.count() == 2
    assert (job.progress_done, job.progress_total) == (2, 2)
    assert job.result["contracts"] == ["PPA-ALFA", "PPA-BRAVO"]
    runs = SettlementRun.objects.filter(pk__in=job.result["runs"])
    assert {(run.kind, run.version, run.reason) for run in runs} == {
        ("TRUE_UP", 2, "The ALFA meter was wired wrong.")
    }
    assert {run.allocation_run for run in runs} == {current_allocation(world.campus, "2026-03")}
    assert again(world).result["runs"] == job.result["runs"]


def test_a_contract_that_keeps_its_energy_keeps_its_approved_run():
    world = World()
    PoolMember.objects.all().delete()
    world.pool.delete()
    for which in ("alfa", "bravo"):
        approve(world, settle(world, which))
    readings(world.alfa_meter, 61, now=LATER)
    job = again(world)
    assert (job.result["contracts"], job.result["kept"]) == (["PPA-ALFA"], ["PPA-BRAVO"])
    run = SettlementRun.objects.get(pk=job.result["runs"][0])
    assert companions(run) == []
    approve(world, run, now=LATER)
    assert offenders() == []
    assert set(again(world, contract=world.bravo).result["contracts"]) == {"PPA-BRAVO"}


def test_one_run_of_a_new_split_alone_cannot_be_approved():
    world = corrected()
    run = settle(world, kind="TRUE_UP", now=LATER)
    with pytest.raises(Refused, match=APART + r"Recalculate the month\."):
        approve(world, run, now=LATER)
    said = Judge(world.approver, LATER).why_not(run)
    assert said.endswith("Recalculate the month.")
    with pytest.raises(Refused, match=APART):
        approve_together(run, actor=world.approver, now=LATER)
    [other] = companions(run)
    assert (other.name, other.is_apart, other.successor) == ("PPA-BRAVO v1", True, None)


def test_the_runs_of_a_new_split_are_approved_together():
    world = corrected()
    again(world)
    alfa, bravo = SettlementRun.objects.filter(version=2).order_by("contract__code")
    with pytest.raises(Refused, match=APART + r"Approve these runs together\."):
        approve_run(alfa, actor=world.approver, now=LATER)
    assert Judge(world.approver, LATER).why_not(alfa) == ""
    done = approve_together(alfa, actor=world.approver, now=LATER, comment="agreed")
    assert [(str(run), run.state) for run in done] == [
        ("PPA-ALFA 2026-03 v2", "APPROVED"),
        ("PPA-BRAVO 2026-03 v2", "APPROVED"),
    ]
    assert bravo.pk == done[1].pk
    states = SettlementRun.objects.filter(version=1).values_list("state", flat=True)
    assert set(states) == {"SUPERSEDED"}
    assert apart_from(current_allocation(world.campus, "2026-03")) == []
    assert offenders() == []


def test_all_or_none_and_each_run_is_judged():
    world = corrected()
    both = person("eve", "approver")
    from poweroptix.accounts.models import User

    User.objects.filter(username="eve").update(role="analyst")
    alfa = settle(world, kind="TRUE_UP", now=LATER)
    settle(world, "bravo", kind="TRUE_UP", now=LATER, actor=both)
    User.objects.filter(username="eve").update(role="approver")
    text = "PPA-BRAVO v2: You calculated this run, so you cannot approve it"
    assert Judge(both, LATER).why_not(alfa).startswith(text)
    with pytest.raises(Forbidden, match=text):
        approve_together(alfa, actor=both, now=LATER)
    assert not SettlementRun.objects.filter(version=2, state="APPROVED").exists()


def test_an_open_run_of_an_older_split_is_named_and_is_stale_itself():
    world = World()
    settle(world)
    bravo = settle(world, "bravo")
    readings(world.alfa_meter, 61, now=LATER)
    alfa = settle(world, now=LATER)
    [other] = companions(alfa)
    assert (other.run, other.is_apart) == (bravo, False)
    approve(world, alfa, now=LATER)
    with pytest.raises(Conflict, match=r"changed since the calculation\. Recalculate the month\."):
        approve(world, bravo, now=LATER)


@pytest.mark.no_doctor
def test_doctor_finds_approved_runs_of_two_splits():
    world = corrected()
    newer = run_allocation(world.campus, MARCH, now=LATER, actor=world.analyst)
    assert offenders() == []
    run = SettlementRun.objects.get(contract=world.alfa)
    force(
        f"UPDATE settlement_settlementrun SET allocation_run_id = {newer.pk} WHERE id = {run.pk}"  # noqa: S608
    )
    assert offenders() == ["PPA-BRAVO 2026-03 v1 rests on allocation 1 instead of 2"]


def test_who_recalculates_an_open_run_of_somebody_else_answers_for_it():
    world = World()
    for which in ("alfa", "bravo"):
        settle(world, which, actor=person(f"an-{which}", "analyst"))
    again(world)
    runs = SettlementRun.objects.filter(state="CALCULATED")
    assert {(run.version, run.created_by) for run in runs} == {(2, "user:ana")}
    assert again(world).result["runs"] == [run.pk for run in runs.order_by("contract__code")]


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_month_is_not_recalculated_without_a_reason(reason):
    world = World()
    with pytest.raises(Refused, match=r"Say why the month is calculated again\."):
        recalculate_month(world.campus, "2026-03", reason=reason, now=NOW, actor=world.analyst)
    assert not Job.objects.exists()


def test_a_month_that_is_none_and_a_stranger_are_refused():
    world = World()
    with pytest.raises(Refused, match="'2026-13' is not a month"):
        recalculate_month(
            world.campus, "2026-13", reason="Read again.", now=NOW, actor=world.analyst
        )
    with pytest.raises(Forbidden, match=r"bob may not run in settlement"):
        recalculate_month(world.campus, "2026-03", now=NOW, actor=world.approver)
