"""From the gate's finding to the very page that mends it; the balance of a day names the meter."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contracts.models import Contract, IndexSeries
from meters.models import Channel
from poweroptix.kernel.errors import NotFoundError
from settlement.calc.gate import linked
from settlement.models import SettlementRun
from settlement.pages.mends import mend_url
from settlement.queries.day import by_group, day_view
from settlement.services import run_allocation
from settlement.services.readiness import readiness
from tests.factories.campus import MARCH, NOW
from tests.poweroptix.office.acts import DAY, finding, halve_the_engine

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst(world, client):
    client.force_login(world.people["analyst"])
    return client


def test_the_gate_leads_to_the_day_and_the_day_names_the_meter(world, analyst):
    halve_the_engine(world)
    at = NOW + timedelta(hours=2)
    run_allocation(world.campus, MARCH, now=at, actor=world.actor("analyst"))
    findings = readiness(Contract.objects.get(code="PPA-ALFA"), MARCH, now=at)
    [unbalanced] = [one for one in findings if one.code == "balance.day"]
    assert mend_url(unbalanced) == "/office/campus/MESA/2026-03-18/"
    view = day_view(world.campus, DAY)
    assert not view.balance.within
    assert view.suspects[0].name == "GEN-1"
    assert view.suspects[0].explained_ratio > Decimal("0.9")
    assert view.like_days == tuple(date(2026, 3, d) for d in (17, 16, 13, 12))
    page = analyst.get(mend_url(unbalanced)).content.decode()
    assert "outside the tolerance" in page
    first = page.index("Which meter to look at first")
    assert page.index(">GEN-1/DEL_KWH<", first) < page.index(">HALL-A/DEL_KWH<", first)


def test_the_day_adds_up_and_its_chart_has_the_same_groups(world, analyst):
    view = day_view(world.campus, DAY)
    sources = sum(leg.energy_kwh for leg in view.legs if leg.is_source)
    sinks = sum(leg.energy_kwh for leg in view.legs if not leg.is_source)
    assert (sources, sinks) == (view.balance.sources_kwh, view.balance.sinks_kwh)
    assert sources - sinks == view.balance.residual_kwh == view.residual.total()
    drawn = analyst.get("/office/campus/MESA/2026-03-18/series.json").json()
    assert [one["name"] for one in drawn["series"]] == list(by_group(view))
    assert {one["name"] for one in drawn["series"]} == {"Generation", "Loads", "Unaccounted"}
    assert len(drawn["series"][0]["v"]) == 96
    band = analyst.get("/office/campus/MESA/2026-03-18/series.json?of=residual").json()
    rest, most, least = (one["v"] for one in band["series"])
    assert all(low <= one <= high for low, one, high in zip(least, rest, most, strict=True))
    generation = next(one["v"] for one in drawn["series"] if one["name"] == "Generation")
    high = float(world.campus.balance_tolerance_high_ratio)
    assert most[5] == pytest.approx(generation[5] * high, abs=0.01)
    page = analyst.get("/office/campus/MESA/2026-03-18/").content.decode()
    assert "within the tolerance" in page
    assert "Which meter to look at first" not in page
    assert "2026-03-18 00:00 CDT" in page


def test_the_day_of_the_clock_change_has_23_hours(world, analyst):
    view = day_view(world.campus, date(2026, 3, 8))
    assert view.residual.grid.count == 92
    assert analyst.get("/office/campus/MESA/2026-03-08/").status_code == 200


def test_a_day_without_readings_is_shown_and_a_wrong_one_refused(world, analyst):
    assert "96 intervals missing" in analyst.get("/office/campus/MESA/2026-07-01/").content.decode()
    assert analyst.get("/office/campus/MESA/yesterday/").status_code == 400
    assert analyst.get("/office/campus/NOWHERE/2026-03-18/").status_code == 404


def test_a_campus_without_metered_sources_says_so(world):
    Channel.objects.filter(code__startswith="GEN-1").update(role="CHECK")
    with pytest.raises(NotFoundError, match="No source of MESA is metered"):
        day_view(world.campus, DAY)


def test_a_tenant_does_not_see_the_balance(world, client):
    client.force_login(world.people["alfa"])
    for path in ("/office/campus/MESA/2026-03-18/", "/office/prices/hub/"):
        assert client.get(path).status_code == 404


@pytest.mark.no_doctor(reason="findings are made up beside the services")
def test_every_link_of_the_gate_opens_what_it_says(world, analyst):
    held = finding("HALL-A/DEL_KWH", "HOLD")
    finding("HALL-B/DEL_KWH", "WARN")
    [open_finding] = readiness(Contract.objects.get(code="PPA-ALFA"), MARCH, now=NOW)
    page = analyst.get(mend_url(open_finding)).context["page"]
    assert [row.pk for row in page] == [held.pk]
    gap = linked("settlement.readings_missing", "x", "meters.completeness",
                 channels=[held.channel_id], period="2026-04")  # fmt: skip
    assert [c.pk for c in analyst.get(mend_url(gap)).context["page"]] == [held.channel_id]
    full = linked("x", "x", "meters.completeness", channels=[held.channel_id], period="2026-03")
    assert list(analyst.get(mend_url(full)).context["page"]) == []
    early = linked("settlement.period_not_over", "x", "meters.completeness")
    assert "late=yes&sort=-hours_late" in mend_url(early)
    before = linked("x", "x", "settlement.run", contract="PPA-ALFA", period="2026-03")
    runs = analyst.get(mend_url(before)).context["page"]
    assert [run.pk for run in runs] == [SettlementRun.objects.get(contract__code="PPA-ALFA").pk]
    version = linked("x", "x", "contracts.version", contract="PPA-ALFA")
    assert mend_url(version) == "/office/contracts/PPA-ALFA/"
    assert mend_url(linked("x", "x", "no.such.page")) == ""


def test_a_missing_price_leads_to_its_series_where_a_file_mends_it(world, client):
    client.force_login(world.people["operator"])
    missing = linked("settlement.price_missing", "x", "contracts.index",
                     series="hub", period="2026-04")  # fmt: skip
    assert mend_url(missing) == "/office/prices/hub/?month=2026-04"
    page = client.get(mend_url(missing)).content.decode()
    assert "720 prices of 720 not published" in page
    rows = "start,price\n2026-04-01T05:00:00Z,21.50\n2026-04-01T06:00:00Z,22.25\n"
    file = SimpleUploadedFile("hub.csv", rows.encode(), "text/csv")
    answer = client.post(mend_url(missing), {"file": file, "vintage": "final", "final": "yes"},
                         follow=True)  # fmt: skip
    page = answer.content.decode()
    assert "0 new days, 0 changed days, 1 day with further prices, 0 days as before." in page
    assert "718 prices of 720 not published" in page
    assert answer.redirect_chain[-1][0] == "/office/prices/hub/?month=2026-04"
    assert IndexSeries.objects.get(code="hub").blocks.filter(day=date(2026, 4, 1)).count() == 2
    bad = SimpleUploadedFile("bad.csv", b"start,price\nsoon,dear\n", "text/csv")
    page = client.post(mend_url(missing), {"file": bad}, follow=True).content.decode()
    assert "soon" in page
