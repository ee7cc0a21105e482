"""Late readings flag the runs that used the old ones, with intervals and kWh."""

from datetime import timedelta
from decimal import Decimal

import pytest

from settlement.models import Correction
from settlement.services import approve_run, run_settlement
from tests.settlement.world import MARCH, NOW, World, readings

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def settle(world, which="alfa", **more):
    return run_settlement(getattr(world, which), MARCH, now=NOW, actor=world.analyst, **more)


def test_a_changed_reading_flags_the_run_that_used_it(world):
    run, other = settle(world), settle(world, "bravo")
    late = NOW + timedelta(days=1)
    readings(world.alfa_meter, [*[60] * 100, 61, 62, *[60] * 2870], now=late)
    [correction] = Correction.objects.all()
    assert correction.run == run != other
    assert correction.interval_count == 2
    assert (correction.before_kwh, correction.after_kwh) == (Decimal(120), Decimal(123))
    start = MARCH.start_utc + timedelta(minutes=1500)
    assert (correction.start_utc, correction.end_utc) == (start, start + timedelta(minutes=30))


def test_equal_values_and_other_months_flag_nothing(world):
    settle(world)
    readings(world.alfa_meter, 60, now=NOW)
    world.read(MARCH.next())
    assert not Correction.objects.exists()


def test_readings_before_any_run_flag_nothing(world):
    readings(world.alfa_meter, 61, now=NOW)
    assert not Correction.objects.exists()


def test_a_new_run_clears_what_it_has_read(world):
    approve_run(settle(world), actor=world.approver, now=NOW)
    readings(world.alfa_meter, 61, now=NOW)
    assert Correction.objects.filter(cleared_by__isnull=True).count() == 1
    run = run_settlement(
        world.alfa, MARCH, kind="TRUE_UP", now=NOW + timedelta(hours=1), actor=world.analyst
    )
    assert [one.cleared_by for one in Correction.objects.all()] == [run]


def test_a_generator_that_changes_flags_nobodys_own_readings_but_makes_runs_stale(world):
    run = settle(world)
    readings(world.gen, 101.5, now=NOW)
    assert not Correction.objects.exists()
    from poweroptix.kernel.errors import Conflict

    with pytest.raises(Conflict, match="2972 readings changed since the calculation"):
        approve_run(run, actor=world.approver, now=NOW)
