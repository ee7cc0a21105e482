"""Events and further quantities in runs: frozen, verified, flagged when they change."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.models import ContractQuantity
from contracts.queries import channels_of_tenant, standing
from contracts.services import bind_quantity, record_event, record_event_file, withdraw_event
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.db.scope import portal_scope
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from settlement.models import Correction, Line
from settlement.queries.causes import causes_of_runs
from settlement.queries.corrections import waiting_runs
from settlement.queries.explain import explain_line
from settlement.services import verify_run
from tests.settlement.acts import approve, settle
from tests.settlement.world import (
    ENERGY,
    FIRST_DAY,
    MARCH,
    NOW,
    SYSTEM,
    World,
    contract,
    point,
    readings,
)

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
STARTS = {
    "key": "starts@1",
    "code": 30,
    "label": "Starts",
    "parameters": {
        "table": [{"state": "HOT", "fee": "12500", "fuel_mmbtu": "0"}],
        "paid": "BUYER",
        "free_starts": 0,
        "free_per": "MONTH",
        "free_order": "TIME",
    },
}
FEE = {
    "key": "recurring_fee@1",
    "code": 40,
    "label": "Service",
    "parameters": {"fee": "85.10", "per": "METER", "count": "FACT"},
}
NUMBERS = "/office/contracts/PPA-ALFA/events/"
METERS = {
    "kind": "month_number@1",
    "month": "2026-03",
    "p_name": "meter_count",
    "p_number": "9",
    "p_document": "Meter list of 31 March 2026",
    "reason": "sent by the tenant",
}
PEAK = {
    "key": "coincident_peak@1",
    "code": 22,
    "label": "Transmission",
    "parameters": {
        "system": "ERCOT 4CP",
        "rate": "4.75",
        "counts": "SAME_MONTH",
        "peaks": 1,
        "kw_rounding": "NEAREST",
        "proration": "BY_DAYS",
    },
}
PUBLISHED = {
    "kind": "system_peak@1",
    "start": "2026-03-12 17:00",
    "end": "2026-03-12 17:15",
    "p_system": "ERCOT 4CP",
    "p_published_at": "2026-04-01T14:00:00-05:00",
    "p_source": "Notice of 1 April 2026",
    "p_finality": "FINAL",
    "reason": "published by the operator",
}
APRIL = b"""kind,start,end,reason,name,number,document
month_number@1,2026-04,,sent by the tenant,meter_count,11,Meter list of 30 April 2026
"""
DISCHARGE = {
    "key": "fixed_energy@1",
    "code": 11,
    "label": "Discharge",
    "quantity": "discharge",
    "parameters": {"price": "10"},
}


def start(world, day, actor=SYSTEM, **more):
    return record_event(
        world.alfa,
        kind="start@1",
        start_utc=datetime(2026, 3, day, 12, tzinfo=UTC),
        values={"state": "HOT", "caused_by": "BUYER"},
        reason="unit log",
        actor=actor,
        now=LATER,
        **more,
    )


def amounts(run):
    return dict(run.lines.values_list("line_code", "amount_usd"))


def test_events_are_frozen_verified_and_flagged():
    world = World(terms=(ENERGY, STARTS))
    start(world, 3, actor=world.analyst)
    run = settle(world, actor=SYSTEM)
    assert amounts(run)[30] == 12_500
    late = start(world, 9, actor=world.analyst)
    with pytest.raises(Conflict, match=r"(?i)events of the contract"):
        approve(world, run)
    withdraw_event(late, reason="a test run", actor=SYSTEM, now=LATER)
    User.objects.filter(username="ana").update(role="approver")
    with pytest.raises(Forbidden, match="You entered events of this period"):
        approve(world, run, actor=Actor.of_user(User.objects.get(username="ana")))
    User.objects.filter(username="ana").update(role="analyst")
    assert not Correction.objects.exists()
    approve(world, run)
    record_event(
        world.alfa,
        kind="cycle@1",
        start_utc=datetime(2026, 3, 4, tzinfo=UTC),
        end_utc=datetime(2026, 3, 5, tzinfo=UTC),
        values={"cycles": "1"},
        reason="no term reads it",
        actor=SYSTEM,
        now=LATER,
    )
    assert waiting_runs() == []
    start(world, 10)
    [waiting] = waiting_runs()
    assert (waiting.run, waiting.reason) == (run, "Its events changed.")
    assert str(waiting.changes[0].row) == "Events of the contract, 1 events"
    second = settle(world, kind="TRUE_UP", now=LATER)
    assert amounts(second)[30] == 25_000
    assert verify_run(run).ok
    assert verify_run(second).ok
    approve(world, second, now=LATER)
    assert waiting_runs() == []


def test_a_number_of_the_month_is_missed_entered_frozen_and_corrected(client):
    world = World(terms=(ENERGY, FEE))
    run = settle(world)
    assert (amounts(run)[40], run.total_usd) == (None, None)
    assert run.findings[0]["message"] == "meter_count of 2026-03 is not known"
    client.force_login(User.objects.create_user("amy", password="x", role="analyst"))
    form = client.get(f"{NUMBERS}?kind=month_number@1").content.decode()
    assert "Terms of this contract read: meter_count." in form
    said = client.post(NUMBERS, METERS | {"p_name": "meters"}).content.decode()
    assert "reads a number &#x27;meters&#x27;; they read: meter_count" in said
    assert (
        "is no month; write 2026-03"
        in client.post(NUMBERS, METERS | {"month": "May"}).content.decode()
    )
    part = METERS | {"month": "2026-03-03 to 2026-03-20"}
    assert (
        "meter_count is stated for 2026-03-03 to 2026-03-20, and no version of PPA-ALFA holds on "
        "just those days; state it for 2026-03"
    ) in client.post(NUMBERS, part).content.decode()
    assert client.post(NUMBERS, METERS).status_code == 302
    run = settle(world, now=LATER)
    assert amounts(run)[40] == Decimal("765.90")
    approve(world, run, now=LATER)
    row = standing(world.alfa).get()
    assert 'value="2026-03"' in client.get(f"{NUMBERS}?replaces={row.pk}").content.decode()
    assert client.post(NUMBERS, METERS | {"p_number": "10", "replaces": row.pk}).status_code == 302
    [waiting] = waiting_runs()
    assert (waiting.run, waiting.reason) == (run, "Its events changed.")
    second = settle(world, kind="TRUE_UP", now=LATER)
    assert verify_run(run).ok
    assert verify_run(second).ok
    [changed] = [one.by_cause for one in causes_of_runs(run.pk, second.pk) if one.by_cause]
    assert changed == {"EVENT_REVISION": Decimal("85.10")}
    assert len(record_event_file(world.alfa, APRIL, actor=SYSTEM, now=LATER)) == 1


def test_a_peak_of_the_system_is_missed_entered_frozen_and_moved(client):
    world = World(terms=(ENERGY, PEAK), read=False)
    place = (datetime(2026, 3, 12, 22, tzinfo=UTC) - MARCH.start_utc) // timedelta(minutes=15)
    taken = [60] * MARCH.grid(15).count
    taken[place] = 61
    for channel, kwh in ((world.gen, 101), (world.alfa_meter, taken), (world.bravo_meter, 40)):
        readings(channel, kwh)
    run = settle(world)
    assert amounts(run)[22] is None
    assert run.findings[0]["message"] == "0 of 1 peaks of ERCOT 4CP are known of 2026-03"
    client.force_login(User.objects.create_user("amy", password="x", role="analyst"))
    said = client.post(NUMBERS, PUBLISHED | {"p_system": "ERCOT"}).content.decode()
    assert "reads peaks of &#x27;ERCOT&#x27;; they read: ERCOT 4CP" in said
    nobody = PUBLISHED | {"p_system": "ERCOT", "everywhere": "on"}
    assert "no contract reads peaks of" in client.post(NUMBERS, nobody).content.decode()
    assert client.post(NUMBERS, PUBLISHED).status_code == 302
    run = settle(world, now=LATER)
    frozen = json.loads(bytes(run.inputs))["events"]
    assert [one["kind"] for one in frozen] == ["system_peak@1"]
    assert verify_run(run).ok
    approve(world, run, now=LATER)
    moved = {"start": "2026-03-12 17:15", "end": "2026-03-12 17:30"}
    moved |= {"replaces": standing(world.alfa).get().pk, "everywhere": "on"}
    charlie = contract(world.campus, "CHARLIE", terms=(ENERGY, PEAK))
    told = client.post(NUMBERS, PUBLISHED | moved, follow=True).content.decode()
    assert "entered for 2 contracts that read this system" in told
    assert [standing(one).get().start_utc.minute for one in (world.alfa, charlie)] == [15, 15]
    assert not standing(world.bravo).exists()
    assert [(one.run, one.reason) for one in waiting_runs()] == [(run, "Its events changed.")]
    second = settle(world, kind="TRUE_UP", now=LATER)
    [changed] = [one.by_cause for one in causes_of_runs(run.pk, second.pk) if one.by_cause]
    assert changed == {"EVENT_REVISION": amounts(second)[22] - amounts(run)[22]}
    assert second.carry_out["22"]["kw"].keys() == {"2026-03-12T22:15:00Z"}


@pytest.fixture
def battery():
    world = World(terms=(ENERGY, DISCHARGE))
    world.channel = point(world.campus, "BAT", "CHECK")
    world.binding = bind_quantity(
        world.alfa, "discharge", world.channel, first_day=FIRST_DAY, actor=SYSTEM
    )
    readings(world.channel, 5, now=NOW)
    return world


def test_a_further_quantity_is_priced_pinned_verified_and_flagged(battery):
    world = battery
    run = settle(world)
    assert amounts(run)[11] == Decimal("148.60")  # 2,972 quarter-hours of 5 kWh at 10.00
    assert verify_run(run).ok
    readings(world.channel, 5, period=MARCH.next(), now=NOW)
    assert settle(world) == run  # a new version of the edge day with the same readings in March
    approve(world, run)
    readings(world.channel, 6, now=LATER)
    [row] = Correction.objects.all()
    assert (row.run, row.scope, row.change_kwh) == (run, "BOUND", 2972)
    assert waiting_runs()[0].reason == "Its further readings changed."
    second = settle(world, kind="TRUE_UP", now=LATER)
    assert amounts(second)[11] == Decimal("178.32")
    assert verify_run(run).ok
    readings(world.channel, 5, now=LATER)
    assert not Correction.objects.filter(run=run).exists()


def test_a_missing_reading_or_binding_leaves_no_amount(battery):
    readings(battery.channel, [None, *[5] * 2971], now=LATER)
    run = settle(battery, now=LATER)
    assert (amounts(run)[11], run.total_usd) == (None, None)
    ContractQuantity.objects.all().delete()
    with pytest.raises(Refused, match="PPA-ALFA: quantity 'discharge' is not there"):
        settle(battery, now=LATER)


def test_a_binding_is_refused_where_it_cannot_be(battery):
    fuel = point(battery.campus, "GAS", "FUEL")
    type(fuel).objects.filter(pk=fuel.pk).update(unit="MMBtu")
    fuel.refresh_from_db()
    for name, channel, said in (
        ("discharge", fuel, "'discharge' is in kWh, this channel in MMBtu"),
        ("delivered", fuel, "That name is the energy of the allocation"),
        ("Discharge!", fuel, "Small letters, digits and underscores"),
        ("charge", battery.channel, "The channel counts for the contract on some of the days"),
    ):
        with pytest.raises(Refused, match=said):
            bind_quantity(battery.alfa, name, channel, first_day=date(2026, 3, 5), actor=SYSTEM)


def test_a_tenant_explains_its_further_quantity_and_sees_no_others_binding(battery, client):
    settle(battery)
    line = Line.objects.get(line_code=11)
    alfa, bravo = battery.alfa.tenant_id, battery.bravo.tenant_id
    assert battery.channel.pk in channels_of_tenant(alfa)
    assert battery.channel.pk not in channels_of_tenant(bravo)
    instant = MARCH.start_utc + timedelta(hours=30)
    with portal_scope(alfa, channels_of_tenant(alfa)):
        assert ContractQuantity.objects.count() == 1
        tree = explain_line(line.pk, day=date(2026, 3, 2), instant=instant)
    assert tree["days"][0]["total_kwh"] == 480
    assert [one["channel"] for one in tree["readings"]] == [battery.channel.code]
    assert tree["further"][0]["ref"]["channels"][0]["sign"] == 1
    client.force_login(User.objects.get(username="ana"))
    at = instant.isoformat().replace("+00:00", "Z")
    shown = client.get(f"/office/settlement/lines/{line.pk}/?day=2026-03-02&at={at}")
    assert "added: BAT/DEL_KWH" in shown.content.decode()
    file = client.get(f"/office/settlement/lines/{line.pk}/?export=csv").content.decode()
    head, *rows = csv.reader(file.lstrip("\ufeff").splitlines())
    assert sum(Decimal(row[head.index("quantity")]) for row in rows) == tree["sum_kwh"]
    sheet = client.get(f"/office/settlement/{line.run_id}/?export=csv").content.decode()
    amounts = [
        Decimal(one["amount_usd"]) for one in csv.DictReader(sheet.lstrip("\ufeff").splitlines())
    ]
    assert sum(amounts) == line.run.total_usd
    with portal_scope(bravo, channels_of_tenant(bravo)):
        assert ContractQuantity.objects.count() == 0
