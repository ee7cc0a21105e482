"""The pages say what the invoice says, and what is missing they say too."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import Invoice
from billing.portal.months import Month, beside, in_words, reason
from poweroptix.accounts.services import create_tenant, create_user
from poweroptix.kernel.canonical import sha256
from settlement.models import Line
from tests.factories.campus import PASSWORD, SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def alfa(world, client):
    client.force_login(world.people["alfa"])
    return client


@pytest.fixture
def number(world):
    return world.invoices["PPA-ALFA"].number


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_home_says_month_cost_and_latest_invoice(alfa, number):
    page = text(alfa.get("/portal/"))
    invoice = Invoice.objects.get(number=number)
    for said in ("March 2026", f"${invoice.total_usd:,.2f}", number, f"{number}/pdf"):
        assert said in page
    assert "can still change" not in page


def test_a_month_that_is_not_billed_says_so(alfa, world):
    from billing.services import void_invoice

    billing = world.actor("billing")
    now = datetime(2026, 4, 9, tzinfo=UTC)
    void_invoice(world.invoices["PPA-ALFA"], actor=billing, now=now, reason="wrong address")
    page = text(alfa.get("/portal/"))
    assert "Approved: the invoice has not been issued yet." in page
    assert "approved" in text(alfa.get("/portal/usage/?month=2026-03"))


def test_a_void_invoice_asks_for_nothing_and_leads_to_its_successor(alfa, world, number):
    from billing.services import draft_invoice, issue_invoice, void_invoice

    billing, now = world.actor("billing"), datetime(2026, 4, 9, tzinfo=UTC)
    held = void_invoice(world.invoices["PPA-ALFA"], actor=billing, now=now, reason="wrong address")
    page = text(alfa.get(f"/portal/invoices/{number}/"))
    assert "nothing is due on this invoice, do not pay it." in page
    assert "Reason: wrong address." in page
    assert "$0.00" in page
    assert "Total as issued, not due" in page
    assert "How to pay" not in page
    assert "Total due" not in page
    notice = alfa.get(f"/portal/invoices/{number}/cancellation")
    assert notice["X-Content-SHA256"] == held.cancellation_pdf_sha256
    assert "nothing due" in text(alfa.get("/portal/invoices/"))
    assert "No invoice yet" in text(alfa.get("/portal/"))

    draft = draft_invoice(held.run, actor=billing, now=now)
    again = issue_invoice(draft, actor=billing, now=now).number
    assert f'Replaced by <a href="/portal/invoices/{again}/">{again}</a>' in text(
        alfa.get(f"/portal/invoices/{number}/")
    )
    assert f'This invoice replaces <a href="/portal/invoices/{number}/">{number}</a>' in text(
        alfa.get(f"/portal/invoices/{again}/")
    )
    assert alfa.get(f"/portal/invoices/{again}/cancellation").status_code == 404


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/portal/", "Your contract is being set up"),
        ("/portal/usage/", "No readings yet"),
        ("/portal/invoices/", "No invoice yet"),
        ("/portal/carbon/", "No carbon accounted yet"),
        ("/portal/contract/", "No contract is active yet"),
    ],
)
def test_a_new_tenant_finds_words_not_nothing(client, world, address, said):
    now = datetime(2026, 4, 9, tzinfo=UTC)
    tenant = create_tenant("new", "New Tenant", actor=SYSTEM, now=now)
    user = create_user("new", PASSWORD, role="owner", tenant=tenant, actor=SYSTEM)
    client.force_login(user)
    assert said in text(client.get(address))


def test_the_download_is_what_the_page_shows(alfa):
    rows = list(
        csv.DictReader(
            io.StringIO(text(alfa.get("/portal/usage/?month=2026-03&res=60&export=csv")))
        )
    )
    assert len(rows) == 743  # March has an hour less
    shown = alfa.get("/portal/usage/?month=2026-03&res=60").context["total"]
    assert sum(Decimal(row["kwh"]) for row in rows) == shown
    assert {row["quality"] for row in rows} == {"A"}
    chart = alfa.get("/portal/usage/series.json?month=2026-03&res=60").json()
    assert len(chart["series"][0]["v"]) == 743


@pytest.mark.parametrize("query", ["?month=2026-13", "?res=7", "?place=HALL-X", "?metre=1"])
def test_what_usage_does_not_know_is_unknown(alfa, query):
    assert alfa.get(f"/portal/usage/{query}").status_code == 404


def test_the_days_of_a_line_add_up_to_its_exact_amount(alfa, number):
    answer = alfa.get(f"/portal/invoices/{number}/lines/1/")
    line = Line.objects.get(run__contract__code="PPA-ALFA", position=1)
    days = answer.context["days"]
    assert len(days) == 31
    assert sum(day["exact_usd"] for day in days) == line.exact_usd
    page = text(answer)
    assert "Buyer pays the Hub Price of each hour plus the Adder." in page
    assert f"${line.amount_usd:,.2f}" in page
    assert "your share of losses, pool losses" in page


def test_a_fee_has_no_days(alfa, number):
    answer = alfa.get(f"/portal/invoices/{number}/lines/3/")
    assert answer.context["days"] == []
    assert "$1,250.00" in text(answer)
    days = f"/portal/invoices/{number}/lines/3/days/2026-03-12/"
    assert alfa.get(days).status_code == 404


def test_the_intervals_of_a_day_add_up_to_the_day(alfa, number):
    day = alfa.get(f"/portal/invoices/{number}/lines/1/").context["days"][11]
    address = f"/portal/invoices/{number}/lines/1/days/{day['day']}/"
    rows = alfa.get(address).context["rows"]
    assert len(rows) == 96
    assert sum(row["exact_usd"] for row in rows) == day["exact_usd"]
    assert sum(row["kwh"] for row in rows) == day["kwh"]


def test_an_interval_names_the_file_and_line_of_its_reading(alfa, number):
    answer = alfa.get(f"/portal/invoices/{number}/lines/1/intervals/20260312T1215Z/")
    parts = {row["kind"]: row["kwh"] for row in answer.context["parts"]}
    assert parts["TOTAL"] == parts["METERED"] + parts["LOSS"]
    final, raw = answer.context["history"].versions
    assert (final.layer, raw.layer) == (2, 1)
    assert final == answer.context["used"]
    assert final.quantity == raw.quantity == parts["METERED"]
    page = text(answer)
    assert f"march.csv, line {raw.line}" in page
    assert "the system, by rule" in page
    assert not re.search(r"\b(user|system|job|token):", page)


def test_people_of_the_operator_are_named_by_their_role(alfa, number, monkeypatch):
    from billing.access import history_of

    def by_hand(own, at):
        found = history_of(own, at)
        for one in found.versions:
            one.publication.actor, one.publication.reason = "user:secret-person", "meter read again"
        return found

    monkeypatch.setattr("billing.portal.explain.history_of", by_hand)
    page = text(alfa.get(f"/portal/invoices/{number}/lines/1/intervals/20260312T1215Z/"))
    assert "the meter operator" in page
    assert "meter read again" in page
    assert "secret-person" not in page


def test_the_files_of_an_invoice_name_no_person(alfa, number):
    content = alfa.get(f"/portal/invoices/{number}/json").content.decode()
    assert not re.search(r'"(user|system|job|token):', content)


@pytest.mark.parametrize(
    "rest",
    [
        "lines/9/",
        "lines/1/days/2026-04-01/",
        "lines/1/days/soon/",
        "lines/1/intervals/20260401T0600Z/",
        "lines/1/intervals/now/",
        "lines/1/intervals/20260312T1215Z/?meter=HALL-B/DEL_KWH",
        "xlsx",
    ],
)
def test_what_an_invoice_does_not_have_is_unknown(alfa, number, rest):
    assert alfa.get(f"/portal/invoices/{number}/{rest}").status_code == 404


@pytest.mark.parametrize("form", ["pdf", "csv", "json"])
def test_files_carry_the_digest_that_the_page_prints(alfa, number, form):
    answer = alfa.get(f"/portal/invoices/{number}/{form}")
    assert answer["X-Content-SHA256"] == sha256(answer.content)
    assert answer["X-Content-SHA256"] in text(alfa.get(f"/portal/invoices/{number}/"))
    if form == "json":
        assert json.loads(answer.content)["number"] == number


def test_carbon_leads_to_fuel_and_factor(alfa):
    page = text(alfa.get("/portal/carbon/2026-03/PPA-ALFA/"))
    for said in ("Fuel 1 MMBtu", "Published factor: 40 CFR 98", "kg CO₂e per MWh", " kg/MMBtu"):
        assert said in page


def test_an_energy_manager_sees_no_invoice(client, world):
    user = create_user("energy", PASSWORD, role="energy", tenant=world.tenant("alfa"), actor=SYSTEM)
    client.force_login(user)
    assert client.get("/portal/usage/").status_code == 200
    assert client.get("/portal/invoices/").status_code == 403


def test_a_change_is_said_with_its_reasons():
    march = Month("2026-03", Decimal(100), Decimal(1000))
    april = Month("2026-04", Decimal("106.08"), Decimal(1040))
    assert reason(april, march) == (
        "6.1 % more than in March 2026: 4.0 % more energy, 2.0 % higher average price"
    )
    assert reason(march, None) == ""
    assert in_words(None, "more", "less") == ""


def test_what_did_not_change_is_the_same_as_before():
    march = Month("2026-03", Decimal(100), Decimal(1000))
    april = Month("2026-04", Decimal("100.01"), Decimal(1000))
    assert reason(april, march) == (
        "the same as in March 2026: the same energy, the same average price"
    )
    assert beside("the same", march, " per MWh") == "the same per MWh as in March 2026"
    assert beside("", march) == ""


@pytest.mark.parametrize("corrected", ["april", "march"])
def test_months_are_compared_without_corrections_of_earlier_ones(corrected):
    """A credit of 30 for February is in one of the costs; both months cost 100 by themselves."""
    of = {
        name: Month(f"2026-{number}", Decimal(100), Decimal(1000))
        for name, number in (("march", "03"), ("april", "04"))
    }
    of[corrected].cost_usd, of[corrected].correction_usd = Decimal(70), Decimal(-30)
    assert reason(of["april"], of["march"]) == (
        "Without corrections of earlier months, the same as in March 2026: the same energy, "
        "the same average price"
    )
