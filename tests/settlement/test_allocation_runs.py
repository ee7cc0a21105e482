"""Allocation runs: written once, closing in the database, frozen."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from poweroptix.kernel.errors import Refused
from settlement.models import AllocationPart, AllocationRun, PoolMember
from settlement.services import run_allocation, verify_allocation
from settlement.storage import read_parts
from tests.settlement.world import MARCH, NOW, SYSTEM, World, contract, readings, serve

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def allocate(world, now=NOW):
    return run_allocation(world.campus, MARCH, now=now, actor=SYSTEM)


def test_a_month_is_split_closes_and_is_stored_by_contract(world):
    run = allocate(world)
    assert (run.version, run.state, run.minutes) == (1, "CALCULATED", 15)
    parts = {
        (p.kind, p.contract and p.contract.code): p.total_kwh
        for p in AllocationPart.objects.filter(run=run).select_related("contract")
    }
    assert parts == {
        ("WHOLE", None): 2972,
        ("METERED", "PPA-ALFA"): 60 * 2972,
        ("METERED", "PPA-BRAVO"): 40 * 2972,
        ("LOSS", "PPA-ALFA"): Decimal("1783.2"),
        ("LOSS", "PPA-BRAVO"): Decimal("1188.8"),
        ("TOTAL", "PPA-ALFA"): Decimal("180103.2"),
        ("TOTAL", "PPA-BRAVO"): Decimal("120068.8"),
    }
    assert len(run.balance["days"]) == 31
    assert run.findings == []


def test_the_same_inputs_make_no_new_version(world):
    assert allocate(world).pk == allocate(world).pk
    assert AllocationRun.objects.count() == 1


def test_new_readings_make_a_new_version_and_supersede_the_old(world):
    first = allocate(world)
    readings(world.bravo_meter, 40.5, now=NOW)
    second = allocate(world)
    first.refresh_from_db()
    assert (second.version, first.state, second.state) == (2, "SUPERSEDED", "CALCULATED")


def test_the_document_pins_every_block_and_can_be_computed_again(world):
    run = allocate(world)
    document = json.loads(bytes(run.inputs))
    assert [len(days) for days in document["pins"].values()] == [32, 32, 32]
    report = verify_allocation(run)
    assert report.ok, report.differences
    assert report.compared == {"parts": 7}


def test_verification_keeps_to_the_pins_when_newer_readings_exist(world):
    run = allocate(world)
    readings(world.alfa_meter, 61, now=NOW)
    assert verify_allocation(run).ok


def test_a_tenant_sees_own_part_whole_share_and_a_digest_only(world):
    run = allocate(world)
    part = AllocationPart.objects.get(run=run, kind="LOSS", contract=world.alfa)
    claims = part.worksheet.pop("claims_sha256")
    assert part.worksheet == {
        "pool": "losses",
        "title": "Shared by metered use",
        "whole": "2972",
        "own": "1783.2",
        "share_ratio": "0.600000",
        "unit": "kWh",
    }
    assert len(claims) == 64
    assert "BRAVO" not in json.dumps(part.worksheet)


def test_a_period_that_is_not_over_is_refused(world):
    with pytest.raises(Refused, match=r"The period 2026-03 is not over; it ends 2026-04-01 05:00"):
        allocate(world, now=MARCH.end_utc - timedelta(minutes=1))


def test_a_tenant_point_without_meter_is_refused(world):
    other = contract(world.campus, "CHARLIE")
    from meters.models import DeliveryPoint

    bare = DeliveryPoint.objects.create(
        campus=world.campus, code="TEN-CHARLIE", name="c", kind="TENANT_LOAD"
    )
    from contracts.services import assign_point

    assign_point(other, bare, first_day=MARCH.first_date, actor=SYSTEM)
    with pytest.raises(Refused, match="TEN-CHARLIE: a tenant is served here, but there is no"):
        allocate(world)


def test_a_day_out_of_balance_is_found(world):
    readings(world.gen, 110, now=NOW)
    run = allocate(world)
    assert [one["code"] for one in run.findings].count("balance.day") == 31


def _tamper(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE settlement_allocationpart SET total_kwh = 1", "UPDATE refused: rows of settlem"),
        ("DELETE FROM settlement_allocationpart", "DELETE refused: rows of settlement"),
        (
            "UPDATE settlement_allocationrun SET inputs_sha256 = repeat('0', 64)",
            "inputs_sha256",
        ),
        ("UPDATE settlement_allocationrun SET state = 'DRAFT'", "CALCULATED.*DRAFT"),
        ("DELETE FROM settlement_allocationrun", "DELETE refused"),
    ],
)
def test_a_calculated_allocation_never_changes(world, sql, message):
    allocate(world)
    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        _tamper(sql)


def test_the_database_refuses_parts_that_do_not_close(world, monkeypatch):
    from settlement.services import allocation

    honest = allocation.allocate_campus

    def crooked(inputs):
        outcome = honest(inputs)
        for part in outcome.parts:
            if part.kind == "LOSS" and part.contract == "PPA-ALFA":
                part.series.values[7] += 1
        return outcome

    monkeypatch.setattr(allocation, "allocate_campus", crooked)
    with pytest.raises(IntegrityError, match="pool losses does not close in interval 7"):
        allocate(world)
    assert not AllocationRun.objects.exists()


def test_the_database_refuses_a_total_that_is_not_its_parts(world, monkeypatch):
    from settlement.services import allocation

    honest = allocation.allocate_campus

    def crooked(inputs):
        outcome = honest(inputs)
        next(p for p in outcome.parts if p.kind == "TOTAL").series.values[3] += 1
        return outcome

    monkeypatch.setattr(allocation, "allocate_campus", crooked)
    with pytest.raises(IntegrityError, match="is not the sum of its parts in interval 3"):
        allocate(world)


def test_parts_come_back_as_they_went_in(world):
    run = allocate(world)
    for series, digest in read_parts(run.pk, kinds=("TOTAL", "LOSS", "WHOLE")).values():
        assert series.digest() == digest
        assert series.grid == MARCH.grid(15)


def test_a_member_from_the_second_half_bears_losses_from_then_on(world):
    PoolMember.objects.filter(contract=world.bravo).delete()
    PoolMember.objects.create(
        pool=world.pool, contract=world.bravo, first_date=MARCH.first_date + timedelta(days=15)
    )
    run = allocate(world)
    [(series, _)] = read_parts(run.pk, contract_ids=[world.bravo.pk], kinds=["LOSS"]).values()
    assert series.values[0] == 0
    assert series.values[-1] == 400_000


def test_a_shared_point_serves_a_contract_without_meter(world):
    other = contract(world.campus, "CHARLIE")
    from settlement.models import Pool
    from tests.settlement.world import point

    house = point(world.campus, "HOUSE", "HOUSE")
    readings(house, 1, now=NOW)
    pool = Pool.objects.create(
        campus=world.campus,
        code="house",
        kind="ENERGY",
        key="fixed_share@1",
        parameters={"shares": {"PPA-CHARLIE": "0.25", "PPA-ALFA": "0.75"}},
    )
    pool.points.add(house.delivery_point)
    for member in (other, world.alfa):
        PoolMember.objects.create(pool=pool, contract=member, first_date=MARCH.first_date)
    run = allocate(world)
    totals = {
        part.contract.code: part.total_kwh
        for part in AllocationPart.objects.filter(run=run, kind="TOTAL").select_related("contract")
    }
    assert totals["PPA-CHARLIE"] == Decimal("0.25") * 2972
    assert sum(totals.values()) == 101 * 2972


def test_a_shared_meter_gives_a_contract_its_ratio(world):
    from tests.settlement.world import point

    other = contract(world.campus, "CHARLIE")
    meter = point(world.campus, "TEN-CHARLIE", "TENANT_LOAD")
    serve(other, meter, share_ratio="0.375")
    readings(meter, 8, now=NOW)
    readings(world.gen, 109, now=NOW)
    run = allocate(world)
    part = AllocationPart.objects.get(run=run, kind="TOTAL", contract=other)
    assert part.total_kwh == 3 * 2972
