"""A month that is split anew has its carbon accounted anew, by a job."""

from datetime import timedelta

import pytest

from esg.models import CarbonPolicy, EmissionRun
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain, run_now
from settlement.services import recalculate_month
from tests.billing.world import NOW, QUICK_HASHERS, BilledWorld
from tests.settlement.world import MARCH, readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings):
    settings.PASSWORD_HASHERS = QUICK_HASHERS
    return BilledWorld()


def recalculated(world):
    readings(world.alfa_meter, "61", now=NOW)
    job = recalculate_month(
        world.campus, MARCH.label, reason="Read again.", now=NOW, actor=world.analyst
    )
    assert run_now(job).state == "done"


def test_the_new_split_is_accounted_and_the_old_account_superseded(world):
    recalculated(world)
    job = Job.objects.get(kind="account_carbon")
    assert job.key == f"{world.campus.code}/{MARCH.label}/v2"
    drain(60)
    world.carbon.refresh_from_db()
    assert world.carbon.state == "SUPERSEDED"
    newer = EmissionRun.objects.get(campus=world.campus, period=MARCH.label, state="CALCULATED")
    assert newer.allocation_run.version == 2
    job.refresh_from_db()
    assert (job.state, job.result["emission_runs"]) == ("done", [newer.pk])


def test_an_allocation_that_was_replaced_meanwhile_is_left_alone(world):
    recalculated(world)
    early = Job.objects.get(kind="account_carbon")
    later = NOW + timedelta(hours=1)
    readings(world.alfa_meter, "62", now=later)
    again = recalculate_month(
        world.campus, MARCH.label, reason="Read again.", now=later, actor=world.analyst
    )
    assert run_now(again).state == "done"
    assert run_now(early).result == {"emission_runs": []}
    assert EmissionRun.objects.count() == 1


def test_a_campus_without_a_policy_has_no_such_job(world):
    CarbonPolicy.objects.all().delete()
    recalculated(world)
    assert not Job.objects.filter(kind="account_carbon").exists()
