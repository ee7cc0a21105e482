"""Month-end over all campuses: progress, death in the middle, refusals that do not stop others."""

from collections import Counter
from datetime import timedelta

import pytest

from meters.models import Campus
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain, run_now
from poweroptix.kernel.errors import Refused
from settlement.models import AllocationRun, Line, SettlementRun
from settlement.services import month, settle_everything
from tests.settlement.test_commands import run as command
from tests.settlement.test_jobs import DiedError, expire
from tests.settlement.world import MARCH, NOW, ZONE, World


@pytest.fixture
def world(transactional_db, monkeypatch):
    monkeypatch.setattr(month, "GROUP", 1)
    Campus.objects.create(code="ZETA", name="Without contracts", zone=ZONE)
    return World()


def dies_at(place, time):
    """Return a failpoint that dies when a place is passed for the n-th time."""
    passed = Counter()

    def point(name):
        passed[name] += 1
        if (name, passed[name]) == (place, time):
            raise DiedError

    return point


@pytest.mark.parametrize(("place", "time"), [("after_effect", 2), ("after_commit", 2)])
def test_a_month_end_killed_in_the_middle_goes_on_and_doubles_nothing(world, place, time):
    job = settle_everything("2026-03", now=NOW, actor=world.analyst)
    twin = settle_everything("2026-03", now=NOW + timedelta(seconds=1), actor=world.analyst)
    assert twin.pk == job.pk  # started twice: one job
    with pytest.raises(DiedError):
        drain(30, at_point=dies_at(place, time))
    done = SettlementRun.objects.count()
    assert done == (0 if place == "after_effect" else 1)
    expire(job)
    assert drain(30).ran == 1
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == ("done", 2, "")
    assert (job.progress_done, job.progress_total) == (2, 2)
    runs = SettlementRun.objects.order_by("contract__code")
    assert [(one.contract.code, one.version) for one in runs] == [("PPA-ALFA", 1), ("PPA-BRAVO", 1)]
    assert job.result["runs"] == [one.pk for one in runs]
    assert (AllocationRun.objects.count(), Line.objects.count()) == (1, 2)
    again = run_now(settle_everything("2026-03", now=NOW, actor=world.analyst))
    assert again.result["runs"] == job.result["runs"]  # the same inputs make no new version


def test_a_refused_contract_is_named_and_the_others_are_settled(world, monkeypatch):
    monkeypatch.setattr(month, "GROUP", 25)
    world.alfa.points.all().delete()
    world.pool.members.filter(contract=world.alfa).delete()
    code, out, _ = command("settle", "--all", "--period", "2026-03", "--as", "ana")
    assert code == 1
    assert "PPA-BRAVO 2026-03 v1: calculated" in out
    assert "PPA-ALFA: refused: The allocation of 2026-03" in out
    with pytest.raises(Refused, match="2026-03 is not over"):
        settle_everything("2026-03", now=MARCH.start_utc, actor=world.analyst)
    with pytest.raises(Refused, match="An ad hoc run needs a reason"):
        settle_everything("2026-03", kind="AD_HOC", now=NOW, actor=world.analyst)
    assert Job.objects.filter(kind="month_end").count() == 1
