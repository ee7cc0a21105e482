"""A day-ahead schedule, from the file of the scheduler to the two settlements of a run."""

from datetime import timedelta
from decimal import Decimal

import pytest

from contracts.models import IndexSeries
from contracts.services import bind_quantity, publish_index
from meters.models import Finding
from meters.services.judging.standing import standings
from meters.services.publishing.followup import validate_receipt
from settlement.models import Correction
from settlement.queries.corrections import waiting_runs
from settlement.services import verify_run
from tests.meters import builders
from tests.settlement.acts import approve, settle
from tests.settlement.world import ENERGY, FIRST_DAY, MARCH, NOW, SYSTEM, World, point

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
TWO = {
    "key": "two_settlement@1",
    "code": 11,
    "label": "Energy in two settlements",
    "parameters": {
        "schedule": "scheduled",
        "day_ahead_index": "DA",
        "index": "RT",
        "customer": "BUYS",
        "line_per": "CHARGE",
    },
}
EXAMPLE = (
    {
        "period": "2026-03",
        "series": {"delivered": {"flat": "1000"}, "scheduled": {"flat": "1000"}},
        "prices": {"DA": {"flat": "40"}, "RT": {"flat": "55"}},
    },
    {"10": "148600.00", "11": "118880.00"},
)
COUNT = MARCH.grid(15).count


def publish(code, price):
    series = IndexSeries.objects.create(code=code, name=code, zone="America/Chicago")
    hours = [(MARCH.start_utc + timedelta(hours=at), Decimal(price)) for at in range(743)]
    publish_index(series, hours, vintage="final", final=True, actor=SYSTEM, now=NOW)


def send(channel, values, now, name, first=0):
    start = MARCH.start_utc + timedelta(minutes=15 * first)
    text = builders.long_csv(channel.code, start, values)
    receipt = builders.ingest(text, name=name, profile_code="PLAN", now=now)
    assert receipt["error_count"] == 0, receipt
    validate_receipt(receipt, now=now, actor=SYSTEM)


def test_a_schedule_comes_from_a_file_and_is_settled_pinned_and_corrected():
    publish("DA", "40")
    publish("RT", "55")
    world = World(terms=(ENERGY, TWO), example=EXAMPLE)
    channel = point(world.campus, "TEN-ALFA", "TENANT_LOAD", direction="NET")
    type(channel).objects.filter(pk=channel.pk).update(role="SCHEDULE", direction="DELIVERED")
    channel.refresh_from_db()
    bind_quantity(world.alfa, "scheduled", channel, first_day=FIRST_DAY, actor=SYSTEM)
    builders.make_profile("PLAN")
    # 58 kWh an interval, flat as a plan is, with a step that no load makes, and one left out
    plan = [58] * (COUNT // 2) + [5800] * 4 + [58] * (COUNT - COUNT // 2 - 4)
    hole = 1000
    send(channel, plan[:hole], NOW, "plan.csv")
    send(channel, plan[hole + 1 :], NOW, "rest.csv", first=hole + 1)

    run = settle(world, now=NOW)
    assert run.lines.get(line_code=11).amount_usd is None
    [said] = [one["message"] for one in run.findings if "schedule" in one["message"]]
    assert said.startswith("no schedule 'scheduled' in 1 intervals, the first begins 2026-03-11")
    told = Finding.objects.filter(channel=channel).values_list("rule_code", flat=True)
    assert set(told) == {"V01"}  # no step, no flat line, no meter: a plan is not measured

    [why] = [one.why for one in standings(channel, NOW).rules if one.key == "spike@1"]
    assert why == "a schedule is not measured"

    send(channel, plan, LATER, "again.csv")
    run = settle(world, now=LATER)
    # 195.344 MWh at 40, and 180.1032 with losses less that at 55
    assert run.lines.get(line_code=11).amount_usd == Decimal("6975.52")
    assert verify_run(run).ok
    approve(world, run, now=LATER)
    send(channel, [60, *plan[1:]], LATER, "third.csv")
    row = Correction.objects.get(run=run)
    assert (row.scope, row.change_kwh) == ("BOUND", 2)
    assert waiting_runs()[0].reason == "Its further readings changed."
