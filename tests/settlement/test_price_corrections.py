"""A revised or late price of an approved month: who is told, and what the true-up bills."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.http import HttpResponse
from django.template.loader import render_to_string

from contracts.models import Contract, IndexSeries
from contracts.services import publish_index
from settlement.models import Correction, SettlementRun
from settlement.queries.corrections import Changed, Waiting, waiting_of, waiting_runs
from settlement.services import verify_run
from tests.settlement.acts import approve, publish_hub, settle, with_index
from tests.settlement.test_compare import words
from tests.settlement.world import MARCH, NOW, SYSTEM

pytestmark = pytest.mark.django_db
HOURS = ["30"] * 743
LATER = NOW + timedelta(days=3)


def revise(prices, *, at, vintage="correction"):
    hub = IndexSeries.objects.get(code="HUB")
    rows = [(MARCH.start_utc + timedelta(hours=at + step), Decimal(price))
            for step, price in enumerate(prices)]  # fmt: skip
    return publish_index(hub, rows, vintage=vintage, final=True, actor=SYSTEM, now=LATER)


def test_prices_of_dates_are_told_by_their_dates():
    kept = {
        "start_utc": datetime(2026, 9, 22, tzinfo=UTC),
        "end_utc": datetime(2026, 9, 24, tzinfo=UTC),
    }
    change = Changed(Correction(scope="PRICE", series="GAS", interval_count=2, **kept), "GAS", True)
    run = SettlementRun(period="2026-09", version=1, contract=Contract(code="PPA"))
    context = {"waiting": Waiting(run, (change,)), "zone": "America/Chicago"}
    said = words(HttpResponse(render_to_string("settlement/changes.html", context)))
    assert "2026-09-22 2026-09-23 2" in said  # not 2026-09-21 19:00 CDT


def test_a_revised_price_flags_the_approved_run_until_it_is_settled_again():
    world = with_index()
    publish_hub([Decimal(price) for price in HOURS])
    run = approve(world, settle(world))
    called_settled = revise(["30"], at=0, vintage="settled")
    assert (called_settled.restated_days, called_settled.told) == (1, ())

    receipt = revise(["35", "36"], at=5)
    assert receipt.told == (
        "PPA-ALFA 2026-03 v1 is approved with other prices: a correction waits.",
    )
    [waiting] = waiting_runs()
    assert (waiting.run, waiting.reason) == (run, "Published prices changed.")
    [change] = waiting.changes
    assert (change.channel, change.is_price, change.row.interval_count) == ("HUB", True, 2)
    assert change.row.start_utc == MARCH.start_utc + timedelta(hours=5)
    assert change.row.end_utc == MARCH.start_utc + timedelta(hours=7)
    assert waiting.change_kwh == 0

    true_up = settle(world, kind="TRUE_UP", now=LATER)
    kwh = run.lines.get(line_code=12).quantity
    assert true_up.total_usd > run.total_usd
    assert true_up.lines.get(line_code=12).quantity == kwh
    assert waiting_of(run).newest == true_up
    assert not Correction.objects.filter(run=true_up).exists()
    assert verify_run(run).differences == []

    assert revise(["30", "30"], at=5).told == ()  # what the run read is published again
    assert waiting_runs() == []
    assert Correction.objects.get().run == true_up
