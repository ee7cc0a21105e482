"""Sources of energy in runs: stored, proved, priced, and without any effect on carbon."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from esg.queries.contracts import contract_digests
from poweroptix.accounts.models import User
from poweroptix.doctor import examine
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.errors import Refused
from settlement.models import AllocationPart, Pool, PoolMember, SettlementRun
from settlement.queries.campus import read_campus
from settlement.services import allocation as allocation_service
from settlement.services import run_allocation, verify_allocation, verify_run
from settlement.services.allocation import current_allocation, document_of
from tests.settlement.acts import approve, force, settle
from tests.settlement.world import ENERGY, FIRST_DAY, MARCH, NOW, SYSTEM, World, point, readings

pytestmark = pytest.mark.django_db

SOLAR = {
    "key": "fixed_energy@1",
    "code": 10,
    "label": "Solar energy",
    "quantity": "delivered.solar",
    "parameters": {"price": "38"},
}
GAS = {**ENERGY, "code": 11, "label": "Gas energy", "quantity": "delivered.gas"}
EXAMPLE = (
    {
        "period": "2026-03",
        "series": {
            "delivered.solar": {"flat": "1000", "minutes": 15},
            "delivered.gas": {"flat": "1000", "minutes": 15},
        },
    },
    {"10": "112936.00", "11": "148600.00"},
)


def sources(world, **changes):
    """Solar half and half up to the need, gas fills the rest."""
    entitled = {world.alfa.code: "0.5", world.bravo.code: "0.5"}
    pools = (
        ("solar", 1, "capped_share@1", {"entitlements": entitled, "unused": "PASS_ON"}, "SOL"),
        ("gas", 2, "fill_rest@1", {}, None),
    )
    for code, merit, key, parameters, place in pools:
        pool = Pool.objects.create(
            campus=world.campus,
            code=code,
            kind="SOURCE",
            key=key,
            parameters=parameters,
            merit=merit,
        )
        if place:
            pool.points.add(world.campus.delivery_points.get(code=place))
        for contract in (world.alfa, world.bravo):
            PoolMember.objects.create(pool=pool, contract=contract, first_date=FIRST_DAY)


@pytest.fixture
def world():
    """Solar gives 50 and the generator 51 a quarter-hour; the tenants take 60 and 40."""
    made = World(read=False, terms=(SOLAR, GAS), example=EXAMPLE)
    solar = point(made.campus, "SOL", "GENERATOR")
    made.read()
    readings(made.gen, 51, now=MARCH.end_utc)
    readings(solar, 50, now=MARCH.end_utc)
    return made


def allocate(world):
    return run_allocation(world.campus, MARCH, now=NOW, actor=SYSTEM)


def test_a_tenant_pays_each_source_at_its_price_and_carbon_does_not_see_it(world):
    before = allocate(world)
    sources(world)
    run = settle(world)
    lines = {line.label: (line.quantity, line.amount_usd) for line in run.lines.all()}
    assert lines == {
        "Solar energy": (Decimal("74.300"), Decimal("2823.40")),
        "Gas energy": (Decimal("105.803"), Decimal("5290.15")),
    }
    reference = json.loads(bytes(run.inputs))["series"]["delivered.solar"]["ref"]
    assert (reference["part"], reference["pool"]) == ("SOURCE", "solar")
    assert verify_run(run).ok, verify_run(run).differences
    after = run.allocation_run
    totals = {
        (part.pool_code, part.contract.code): part.total_kwh
        for part in after.parts.filter(kind="SOURCE").select_related("contract")
    }
    assert totals["solar", "PPA-BRAVO"] == 25 * 2972
    assert totals["gas", "PPA-BRAVO"] == Decimal("15.4") * 2972
    own = AllocationPart.objects.get(run=after, kind="SOURCE", pool_code="gas", contract=world.alfa)
    assert own.worksheet["title"] == "Fills what the other sources leave open"
    assert "BRAVO" not in json.dumps(own.worksheet)
    for carbon_of_losses in ("OPERATOR", "PASS_THROUGH"):
        assert contract_digests(before, carbon_of_losses) == contract_digests(
            after, carbon_of_losses
        )


def test_the_pages_show_who_got_what_from_which_source(world, client):
    sources(world)
    run = settle(world)
    client.force_login(User.objects.get(username="ana"))
    address = f"/office/campus/{world.campus.code}/2026-03/allocation/"
    page = client.get(address)
    text = page.content.decode()
    assert [bar.share.code for bar in page.context["bars"]] == ["PPA-ALFA", "PPA-BRAVO"]
    widths = [Decimal(piece.width) for piece in page.context["bars"][0].pieces]
    assert abs(widths[0] / widths[1] - Decimal("25") / Decimal("35.6")) < Decimal("0.001")
    assert "PPA-ALFA, solar: 74,300.000 kWh" in text
    rows = client.get(f"{address}?export=csv").content.decode().splitlines()
    assert rows == [
        "contract,name,solar kWh,gas kWh,delivered kWh",
        "PPA-ALFA,ALFA,74300.000000,105803.200000,180103.200000",
        "PPA-BRAVO,BRAVO,74300.000000,45768.800000,120068.800000",
        ",operator,0.000000,0.000000,",
    ]
    assert "Nothing is allocated yet" in client.get(address.replace("03", "04")).content.decode()
    shown = client.get(f"/office/settlement/{run.pk}/").content.decode()
    assert "Where the energy came from" in shown
    assert "74,300.000000" in shown
    line = run.lines.get(label="Solar energy")
    tree = client.get(f"/office/settlement/lines/{line.pk}/?day=2026-03-10").context["tree"]
    assert (tree["priced_source"], tree["sources"]) == ("solar", ["gas", "solar"])
    first = tree["days"][0]
    assert first["delivered_kwh"] == sum(kwh for _, kwh in first["by_source"])
    assert tree["sum_kwh"] == 74300
    assert tree["intervals"][0]["settled_kwh"] == 25
    assert tree["intervals"][0]["by_source"] == [
        ("gas", Decimal("35.6")),
        ("solar", 25),
    ]


def test_a_contract_that_prices_a_source_waits_until_it_is_told_apart(world):
    with pytest.raises(Refused, match=r"delivered\.solar"):
        settle(world)


@pytest.mark.no_doctor(reason="the test forges rows on purpose")
def test_what_does_not_close_in_kwh_is_refused_never_approved_and_found(world, monkeypatch):
    sources(world)
    honest = allocation_service.allocate_campus

    def crooked(inputs):
        outcome = honest(inputs)
        moved = {"solar": 1, "gas": 1}
        for part in outcome.parts:
            if part.kind in ("SOURCE", "WHOLE") and part.contract in ("", "PPA-ALFA"):
                part.series.values[7] += moved.get(part.pool_code, 0)
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(allocation_service, "allocate_campus", crooked)
        message = "The sources of PPA-ALFA are not what it is delivered in 1 intervals"
        with pytest.raises(Refused, match=message):
            allocate(world)
        patch.setattr(allocation_service, "refuse_open", lambda parts: None)
        message = "the sources of contract .* are not its total"
        with pytest.raises(IntegrityError, match=message), transaction.atomic():
            allocate(world)
    run = settle(world)
    force("UPDATE settlement_allocationrun SET state = 'DRAFT'")
    message = "was never proved to close in kWh"
    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        type(run).objects.filter(pk=run.pk).update(
            state="APPROVED", approved_by="user:bob", approved_at=NOW
        )
    force("UPDATE settlement_allocationrun SET state = 'CALCULATED'")
    approve(world, run)
    force("UPDATE settlement_allocationrun SET state = 'DRAFT'")
    force(
        "UPDATE settlement_allocationpart SET values[3] = values[3] + 1"
        " WHERE kind = 'SOURCE' AND pool_code = 'gas'"
    )
    found = {one.code for one in examine(connection, only=["settlement"]) if not one.holds}
    assert {"settlement.sources", "settlement.pools_close", "settlement.proved"} <= found


def with_battery(world, *periods):
    """A battery that charges 1 kWh a quarter-hour and gives nothing; returns what charges it."""
    battery = point(world.campus, "BAT", "STORAGE")
    charging = point(world.campus, "BAT", "STORAGE", direction="RECEIVED")
    for period in periods:
        for channel, kwh in ((battery, 0), (charging, 1), (world.gen, 52)):
            readings(channel, kwh, period=period, now=period.end_utc)
    sources(world)
    storage = {
        "efficiency_ratio": "0.86",
        "usd_per_kwh": {"solar": "0.025", "gas": "0.071"},
        "opening_period": "2026-03",
        "opening": [{"source": "gas", "kwh": "10", "usd": "0.7"}],
    }
    key = {"classes": [[world.alfa.code, world.bravo.code]], "short_by": "USE"}
    pool = Pool(
        campus=world.campus,
        code="battery",
        kind="STORAGE",
        key="waterfall@1",
        parameters=key,
        merit=1,
        storage=storage,
    )
    pool.full_clean()
    pool.save()
    pool.points.add(battery.delivery_point)
    for contract in (world.alfa, world.bravo):
        PoolMember.objects.create(pool=pool, contract=contract, first_date=FIRST_DAY)
    return charging


def test_a_battery_carries_its_stock_into_the_next_month(world):
    with_battery(world, MARCH)
    run = allocate(world)
    # 2,972 kWh of gas charged at 0.071: 2,555.92 kWh can be delivered, beside the 10 of before.
    layers = run.carry_out["battery"]["layers"]
    assert layers == [{"source": "gas", "kwh": "2565.92", "usd": "211.712"}]
    assert verify_allocation(run).ok
    april = read_campus(world.campus, MARCH.next()).document
    assert april["carry_in"] == run.carry_out
    assert read_campus(world.campus, MARCH.previous()).document["carry_in"] == {}


@pytest.mark.django_db(transaction=True)
def test_a_changed_stock_queues_the_month_that_was_split_with_the_old_one(world):
    april = MARCH.next()
    charging = with_battery(world, MARCH, april)
    solar = world.campus.delivery_points.get(code="SOL").channels.get()
    for channel, kwh in ((solar, 50), (world.alfa_meter, 60), (world.bravo_meter, 40)):
        readings(channel, kwh, period=april, now=april.end_utc)
    before = allocate(world)
    later = april.end_utc + timedelta(days=2)
    settle(world, period=april, now=later)
    assert allocate(world) == before
    assert not Job.objects.exists()

    readings(charging, [2] + [1] * 2971)
    march = allocate(world)
    assert march.carry_out != before.carry_out
    [job] = Job.objects.all()
    assert (job.kind, job.payload["period"]) == ("recalculate_month", "2026-04")
    assert job.payload["reason"] == ("The stock of a battery from 2026-03 changed: allocation v2.")
    readings(charging, [3] + [1] * 2971)
    march = allocate(world)
    assert Job.objects.get() == job
    done = run_now(job)
    assert done.state == "done", done.error
    again = current_allocation(world.campus, "2026-04")
    assert (again.version, document_of(again)["carry_in"]) == (2, march.carry_out)
    run = SettlementRun.objects.get(contract=world.alfa, period="2026-04", state="CALCULATED")
    assert (run.version, run.allocation_run, run.created_by) == (2, again, "system:follow-up")
    assert not Job.objects.exclude(pk=job.pk).exists()


def test_a_pool_of_sources_says_what_it_lacks(world):
    pool = Pool(campus=world.campus, code="sun", kind="STORAGE", key="metered_use@1")
    with pytest.raises(ValidationError) as refused:
        pool.full_clean()
    assert set(refused.value.message_dict) == {"merit", "key", "storage"}
    assert "efficiency_ratio: is required" in refused.value.message_dict["storage"][0]
