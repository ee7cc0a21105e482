"""Late readings flag every run that rests on the old ones, until their true-ups are approved."""

from datetime import timedelta
from decimal import Decimal

import pytest

from poweroptix.kernel.errors import Conflict
from settlement.calc.dependence import Dependence
from settlement.models import Correction, PoolMember
from settlement.queries.corrections import waiting_months, waiting_of, waiting_runs
from settlement.services import reject_run, run_allocation
from settlement.services.allocation import document_of
from tests.settlement.acts import approve, settle
from tests.settlement.world import MARCH, NOW, World, readings

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
CHANGED = [*[60] * 100, 61, 62, *[60] * 2870]


@pytest.fixture
def world():
    return World()


def approved(world):
    """Return the approved runs of ALFA and BRAVO."""
    return [approve(world, settle(world, which)) for which in ("alfa", "bravo")]


def test_a_changed_meter_flags_the_runs_that_share_with_it(world):
    alfa, bravo = approved(world)
    readings(world.alfa_meter, CHANGED, now=LATER)
    own, shared = Correction.objects.all()
    assert [(one.run, one.scope) for one in (own, shared)] == [(alfa, "OWN"), (bravo, "SHARED")]
    for one in (own, shared):
        assert one.channel_id == world.alfa_meter.pk
        assert one.interval_count == 2
        assert (one.before_kwh, one.after_kwh, one.change_kwh) == (120, 123, 3)
        start = MARCH.start_utc + timedelta(minutes=1500)
        assert (one.start_utc, one.end_utc) == (start, start + timedelta(minutes=30))


def test_without_a_pool_only_the_owner_of_the_meter_is_flagged():
    world = World()
    PoolMember.objects.all().delete()
    world.pool.delete()
    alfa, _bravo = approved(world)
    readings(world.alfa_meter, 61, now=LATER)
    assert [one.run for one in waiting_runs()] == [alfa]


def test_a_generator_moves_what_is_shared_and_nobodys_own_readings(world):
    run = settle(world)
    approved(world)
    readings(world.gen, 101.5, now=LATER)
    waiting = waiting_runs(period="2026-03", campus="CAP")
    assert [(one.run.contract.code, one.reason) for one in waiting] == [
        ("PPA-ALFA", "Only shared energy or losses changed."),
        ("PPA-BRAVO", "Only shared energy or losses changed."),
    ]
    [change] = waiting[0].changes
    assert (change.channel, change.row.change_kwh) == (world.gen.code, Decimal("1486"))
    assert waiting[0].change_kwh == 0
    assert run.pk == waiting[0].run.pk


def test_an_open_run_that_rests_on_old_readings_says_so_and_is_refused(world):
    run = settle(world)
    readings(world.gen, 101.5, now=LATER)
    assert waiting_of(run).stage == "Recalculate the month."
    assert waiting_runs() == []
    with pytest.raises(Conflict, match="2972 readings changed since the calculation"):
        approve(world, run)


def test_equal_values_and_other_months_flag_nothing(world):
    settle(world)
    readings(world.alfa_meter, 60, now=NOW)
    world.read(MARCH.next())
    assert not Correction.objects.exists()


def test_a_changed_quality_alone_moves_no_energy_and_flags_nothing(world):
    approved(world)
    readings(world.alfa_meter, 60, now=LATER, status=60)
    assert not Correction.objects.exists()


def test_readings_before_any_run_flag_nothing(world):
    readings(world.alfa_meter, 61, now=NOW)
    assert not Correction.objects.exists()


def test_two_publications_are_one_change_against_what_the_run_read(world):
    approved(world)
    readings(world.alfa_meter, CHANGED, now=LATER)
    second = readings(world.alfa_meter, [*CHANGED[:-1], 70], now=LATER)
    for one in Correction.objects.all():
        assert (one.interval_count, one.change_kwh) == (3, 13)
        assert one.publication_id == second.pk


def test_values_that_went_back_take_the_flag_away(world):
    approved(world)
    readings(world.alfa_meter, CHANGED, now=LATER)
    readings(world.alfa_meter, 60, now=LATER)
    assert not Correction.objects.exists()


def test_a_correction_waits_until_the_true_up_is_approved(world):
    first = approve(world, settle(world))
    readings(world.alfa_meter, CHANGED, now=LATER)
    [waiting] = waiting_runs()
    assert (waiting.name, waiting.stage) == (
        "PPA-ALFA 2026-03 v1",
        "No true-up yet. Recalculate the month.",
    )
    assert waiting.reason == "Its own readings changed."
    second = settle(world, kind="TRUE_UP", now=LATER)
    [waiting] = waiting_runs()
    assert waiting.run == first
    assert waiting.newest == second
    assert waiting.stage == "True-up v2 is calculated and waits for approval."
    assert waiting_months([waiting])[0].is_calculated
    approve(world, second, now=LATER)
    assert waiting_runs() == []
    first.refresh_from_db()
    assert waiting_of(first) is None


def test_a_true_up_that_was_rejected_or_overtaken_leaves_the_correction_waiting(world):
    approve(world, settle(world))
    readings(world.alfa_meter, CHANGED, now=LATER)
    second = settle(world, kind="TRUE_UP", now=LATER)
    readings(world.alfa_meter, 62, now=LATER)
    [waiting] = waiting_runs()
    assert waiting.stage == "True-up v2 is out of date as well. Recalculate the month."
    third = settle(world, kind="TRUE_UP", now=LATER)
    second.refresh_from_db()
    assert (third.version, second.state) == (3, "SUPERSEDED")
    reject_run(third, actor=world.approver, now=LATER, reason="wrong meter")
    [waiting] = waiting_runs()
    assert waiting.stage == "True-up v3 was rejected. Recalculate the month."
    assert not waiting_months([waiting])[0].is_calculated


def test_what_a_new_split_shows_to_be_without_effect_is_taken_back(world):
    """The engine made just what ALFA used more and lost more, so BRAVO's kWh stay."""
    alfa, bravo = approved(world)
    readings(world.alfa_meter, [*[60] * 100, 120, *[60] * 2871], now=LATER)
    readings(world.gen, [*[101] * 100, "161.6", *[101] * 2871], now=LATER)
    assert {one.run.pk for one in waiting_runs()} == {alfa.pk, bravo.pk}
    run_allocation(world.campus, MARCH, now=LATER, actor=world.analyst)
    assert [one.run for one in waiting_runs()] == [alfa]
    assert [one.run_id for one in Correction.objects.all()] == [alfa.pk] * 2


def test_a_contract_with_its_own_loss_factor_does_not_depend_on_the_others(world):
    document = document_of(settle(world).allocation_run)
    everything = {world.gen.pk, world.alfa_meter.pk, world.bravo_meter.pk}
    assert set(Dependence(document).of("PPA-BRAVO")) == everything
    document["loss_ratios"] = {"TEN-BRAVO": [["2026-01-01", None, "1.02"]]}
    assert Dependence(document).of("PPA-BRAVO") == {world.bravo_meter.pk: "OWN"}
    assert Dependence(document).of("PPA-ALFA")[world.bravo_meter.pk] == "SHARED"


def test_a_shared_point_counts_for_its_members_and_their_meters_by_use(world):
    document = document_of(settle(world).allocation_run)
    [pool] = document["pools"]
    document["pools"] = [{**pool, "kind": "ENERGY", "points": ["GEN"]}]
    assert Dependence(document).of("PPA-ALFA") == {
        world.gen.pk: "SHARED",
        world.bravo_meter.pk: "SHARED",
        world.alfa_meter.pk: "OWN",
    }
    document["pools"][0]["key"] = "fixed_share@1"
    assert set(Dependence(document).of("PPA-ALFA")) == {world.gen.pk, world.alfa_meter.pk}


def test_a_bus_meter_counts_only_where_nothing_else_is_a_source(world):
    document = document_of(settle(world).allocation_run)
    bus = {"code": "BUS", "kind": "BUS", "channels": [{"id": 999}]}
    document["points"].append(bus)
    assert 999 not in Dependence(document).of("PPA-ALFA")
    document["points"] = [one for one in document["points"] if one["kind"] != "GENERATOR"]
    assert Dependence(document).of("PPA-ALFA")[999] == "SHARED"
