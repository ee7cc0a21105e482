"""Two runs side by side: every line, its causes, and what lies behind them."""

import csv
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from poweroptix.accounts.models import User
from poweroptix.jobs.services import run_now
from settlement.calc.stack import stacked
from settlement.models import SettlementRun
from settlement.services import recalculate_month
from tests.settlement.acts import approve, settle
from tests.settlement.world import NOW, World, readings

LATER = NOW + timedelta(hours=1)


@pytest.mark.django_db
def test_a_correction_and_a_new_key_are_told_apart_on_the_page_and_in_the_file(client):
    world = World()
    for which in ("alfa", "bravo"):
        approve(world, settle(world, which))
    client.force_login(User.objects.get(username="ana"))
    first = SettlementRun.objects.get(contract=world.alfa)
    only = client.get(f"/office/settlement/{first.pk}/compare/").content.decode()
    assert "was calculated once" in only

    readings(world.alfa_meter, [60] * 2968 + [64] * 4, now=LATER)
    world.pool.key = "fixed_share@1"
    world.pool.parameters = {"shares": {"PPA-ALFA": "0.5", "PPA-BRAVO": "0.5"}}
    world.pool.save()
    job = recalculate_month(world.campus, "2026-03", reason="Key.", now=LATER, actor=world.analyst)
    done = run_now(job)
    assert done.state == "done", done.error
    after = SettlementRun.objects.get(contract=world.alfa, version=2)
    address = f"/office/settlement/{after.pk}/compare/"
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(address).content.decode()))
    assert "Meter revision Measured readings changed" in said
    assert "Allocation key Shared energy and losses" in said
    assert "keys, members, points or loss factors changed from version 1 to version 2" in said
    assert "TEN-ALFA/DEL_KWH own" in said

    answer = client.get(f"{address}?against=1&export=csv")
    [row] = csv.DictReader(answer.content.decode().splitlines())
    caused = [Decimal(row[name]) for name in ("meter_revision", "allocation_key")]
    assert all(usd != 0 for usd in caused)
    assert sum(caused) == Decimal(row["difference"]) == after.total_usd - first.total_usd
    assert caused[1] < 0  # half of the losses instead of three fifths
    assert client.get(f"{address}?against=9").status_code == 404
    assert client.get("/office/settlement/99999999/compare/").status_code == 404


def test_bars_of_both_signs_share_one_scale():
    drawing = stacked(
        [[("a", Decimal(100))], [("a", Decimal(50)), ("b", Decimal(-100)), ("c", Decimal(0))]],
        0,
        400,
    )
    assert drawing.zero_x == 200
    [[first], [up, down]] = drawing.bars
    assert (first.x, first.width) == (200, 200)
    assert (up.x, up.width) == (200, 100)
    assert (down.x, down.width) == (0, 200)
    assert stacked([[]], 0, 10).bars == ((),)
