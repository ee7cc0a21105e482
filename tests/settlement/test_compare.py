"""Two runs side by side: every line, its causes, and what lies behind them."""

import csv
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from poweroptix.accounts.models import User
from poweroptix.jobs.services import run_now
from settlement.calc.delta import Billed, BilledRow
from settlement.calc.stack import stacked
from settlement.models import SettlementRun
from settlement.queries.compare import SUMMED, side_by_side
from settlement.services import mark_invoiced, recalculate_month
from tests.settlement.acts import approve, settle
from tests.settlement.world import MARCH, NOW, SYSTEM, World, readings

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


def words(answer):
    """Return the text of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.django_db
def test_a_correction_is_a_row_of_the_month_that_bills_it_and_its_own_month_says_which(client):
    world, april = World(), MARCH.next()
    billed = mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    world.read(april)
    later = april.end_utc + timedelta(days=1)
    first = settle(world, period=april, now=later)
    readings(world.alfa_meter, [61, *[60] * 2971], now=later)
    corrected = approve(world, settle(world, kind="TRUE_UP", now=later), now=later)
    client.force_login(User.objects.get(username="ana"))
    march = f"/office/settlement/{corrected.pk}/compare/"
    said = words(client.get(march))
    assert "The correction itself is billed in 2026-04. 2026-03 was invoiced" in said
    assert "the bill of 2026-04, the next month that is settled, as lines 70." in said
    again = settle(world, period=april, now=later)
    owed = corrected.total_usd - billed.total_usd
    assert again.total_usd - first.total_usd == owed != 0

    assert f"Version 2 of 2026-04 (calculated) has ${owed:,.2f} of it as lines 70." in words(
        client.get(march)
    )
    address = f"/office/settlement/{again.pk}/compare/"
    said = words(client.get(f"{address}?against=1"))
    assert "The correction itself" not in said  # nothing of April was corrected
    assert "Every line has the same amount" not in said
    assert "Corrections of earlier months Correction 2026-03, Energy" in said
    assert "Correction 2026-03, Energy corrects 2026-03" in said
    totals = " ".join(f"${usd:,.2f}" for usd in (first.total_usd, again.total_usd, owed))
    assert f"Total {totals}" in said
    assert f"billed in this month. ${owed:,.2f} Difference ${owed:,.2f}" in said
    run_page = words(client.get(f"/office/settlement/{again.pk}/"))
    assert f"Total {totals}" in run_page
    assert "Corrections of earlier months Correction 2026-03, Energy" in run_page
    assert "1 line without a change" in run_page
    answer = client.get(f"{address}?against=1&export=csv")
    own, line = csv.DictReader(answer.content.decode().splitlines())
    assert (own["difference"], own["reason"], own["corrects_period"]) == ("0.00", "", "")
    assert (line["line_code"], line["corrects_period"]) == ("70", "2026-03")
    assert (line["before"], line["reason"]) == ("", "correction of 2026-03")
    effects = Decimal(line["volume_effect"]) + Decimal(line["price_effect"])
    assert Decimal(line["difference"]) == Decimal(line["correction"]) == effects == owed
    assert sum(Decimal(one["now"]) for one in (own, line)) == again.total_usd


def test_a_line_without_its_amount_stays_in_the_table_and_keeps_the_difference_empty():
    def line(code, usd):
        usd = None if usd is None else Decimal(usd)
        rows = () if usd is None else (BilledRow("Row", Decimal(1), usd, usd, usd),)
        return Billed((code, "Line", "2026-03-01"), "Line", Decimal(1), "MWh", usd, rows)

    found = side_by_side([line(10, "5.00"), line(20, "7.00"), line(30, None)],
                         [line(10, "6.00"), line(20, None), line(30, None)], [])  # fmt: skip
    assert [(one.key[0], one.amount_usd, one.is_unpriced) for one in found.lines] == [
        (10, Decimal("1.00"), False), (20, None, True), (30, None, True)
    ]  # fmt: skip
    assert found.other.lines == found.lines
    assert found.sums() == dict.fromkeys(SUMMED)
    assert found.table()[1][1][6:9] == [Decimal("7.00"), None, None]
    gone = side_by_side([line(10, "5.00"), line(20, "7.00")], [line(20, "7.00")], [])
    assert gone.sums()["amount_usd"] == Decimal("-5.00")
    assert [one.key[0] for one in gone.same.lines] == [20]


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
