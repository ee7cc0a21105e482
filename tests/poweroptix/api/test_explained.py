"""Explanations through the API: the numbers of the pages, in as many queries for any campus."""

import csv
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import Channel
from meters.services import validate_days
from poweroptix.accounts.permissions import SCOPES
from settlement.queries.explain import explain_line
from settlement.services import run_allocation, run_settlement
from tests.factories.campus import HEAD, MARCH, NOW, SYSTEM, deliver
from tests.poweroptix.api import crawl
from tests.poweroptix.api.crawl import fits, operations

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def staff(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES)}"}


@pytest.fixture(scope="module")
def alfa(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, tenant='alfa')}"}


def line(world, position=1):
    return f"/api/v1/settlement-runs/{world.runs['PPA-ALFA'].pk}/lines/{position}"


def ask(client, head, address):
    answer = client.get(address, **head)
    assert answer.status_code == 200, answer.content[:300]
    return answer.json()


def test_a_line_is_explained_from_clause_to_days(client, world, staff, alfa):
    said = ask(client, staff, f"{line(world, 2)}/explain")
    row = world.runs["PPA-ALFA"].lines.get(position=2)
    assert said["term"]["clause_text"] == "Buyer pays the Wheeling Price for all Delivered Energy."
    assert (said["term"]["version"], said["term"]["first_date"]) == (1, "2026-03-01")
    assert "$2.50 per MWh" in said["term"]["sentence"]
    step = said["steps"][0]
    assert step["sentence"] == f"{Decimal(said['quantity']):.3f} MWh x 2.50 USD/MWh"
    assert Decimal(step["value"]) == row.exact_usd
    assert sum(Decimal(day["quantity"]) for day in said["days"]) == Decimal(said["interval_total"])
    assert said["interval_count"] == 2972
    assert ask(client, alfa, f"{line(world, 2)}/explain") == said


def test_intervals_page_by_page_and_as_a_file_are_the_same(client, world, staff):
    address, seen = f"{line(world)}/intervals?day=2026-03-12&limit=40", []
    while address:
        answer = client.get(address, **staff)
        seen += answer.json()["data"]
        cursor = answer.json()["next_cursor"]
        assert answer.json()["has_more"] == bool(cursor) == ("Link" in answer)
        address = (
            f"{line(world)}/intervals?day=2026-03-12&limit=40&cursor={cursor}" if cursor else ""
        )
    assert len(seen) == 96
    table = client.get(f"{line(world)}/intervals", HTTP_ACCEPT="text/csv", **staff)
    client.force_login(world.people["viewer"])
    pk = world.runs["PPA-ALFA"].lines.get(position=1).pk
    page = client.get(f"/office/settlement/lines/{pk}/?export=csv")
    assert page.content == table.content
    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert len(rows) == 2972
    total = sum(Decimal(row["exact_usd"]) for row in rows)
    assert total == world.runs["PPA-ALFA"].lines.get(position=1).exact_usd
    [same] = [row for row in rows if row["start_utc"] == "2026-03-12T17:00:00Z"]
    [one] = [row for row in seen if row["start_utc"] == "2026-03-12T17:00:00Z"]
    assert (same["price"], same["quantity"]) == (one["price"], one["quantity"])
    parts = ("metered_kwh", "loss_kwh")
    assert sum(Decimal(one[name]) for name in parts) == Decimal(one["quantity"])
    assert rows[0]["price_unit"] == "USD/MWh"


def test_what_an_interval_rests_on_names_file_and_row(client, world, staff, alfa):
    address = f"{line(world)}/trace?at=2026-03-12T12:20:00Z"
    said = ask(client, staff, address)
    assert (said["start_utc"], said["is_own"]) == ("2026-03-12T12:15:00Z", True)
    [reading] = said["readings"]
    assert (reading["raw"]["file"], reading["raw"]["who"]) == ("march.csv", "system:test")
    source = explain_line(world.runs["PPA-ALFA"].lines.get(position=1).pk, instant=MARCH.start_utc)[
        "readings"
    ][0]
    assert reading["raw"]["line"] > source["raw"]["line"] > 1
    assert [one["kind"] for one in said["parts"]] == ["METERED", "LOSS", "TOTAL"]
    own = ask(client, alfa, address)
    assert own["quantity"] == said["quantity"]
    assert [one["whole"] for one in own["parts"]] == [None] * 3
    [seen] = own["readings"]
    assert (seen["raw"]["who"], seen["raw"]["file_id"]) == ("the system, by rule", None)
    assert (seen["used"]["version"], seen["raw"]["line"]) == (1, reading["raw"]["line"])


def test_a_fee_has_no_intervals_and_what_cannot_be_read_is_named(client, world, staff):
    fee = line(world, 3)
    assert ask(client, staff, f"{fee}/explain")["days"] == []
    assert ask(client, staff, f"{fee}/intervals")["data"] == []
    for query, said in (
        ("/intervals?day=2026-04-12", "2026-04-12 is not in 2026-03."),
        ("/intervals?day=12", "'12' is not a day such as 2026-03-14."),
        ("/intervals?limit=0", "'limit' is a whole number from 1 to 500."),
        ("/trace", "'at' is missing."),
        ("/trace?at=2027-01-01T00:00:00Z", "2027-01-01T00:00:00+00:00 is outside"),
    ):
        answer = client.get(f"{line(world)}{query}", **staff)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith(said)
    assert client.get(f"{line(world, 9)}/intervals", **staff).status_code == 404


def test_two_runs_beside_each_other_with_causes(client, world, staff):
    run = world.runs["PPA-ALFA"]
    address = f"/api/v1/settlement-runs/{run.pk}/compare"
    assert client.get(address, **staff).status_code == 404
    row = "HALL-A,DEL_KWH,2026-03-12T06:00:00Z,900,2500.000,kWh,A"
    later = NOW.replace(day=9)
    deliver("again.csv", f"{HEAD}\n{row}\n".encode(), now=later)
    analyst = world.actor("analyst")
    channel = Channel.objects.get(code="HALL-A/DEL_KWH")
    day = MARCH.days()[11]
    validate_days([channel.pk], day, day, now=later, actor=SYSTEM)
    split = run_allocation(world.campus, MARCH, now=later, actor=analyst)
    new = run_settlement(run.contract, MARCH, now=later, actor=analyst, allocation=split)
    address = f"/api/v1/settlement-runs/{new.pk}/compare"
    said = ask(client, staff, address)
    [one] = [each for each in operations("get") if each.name == "comparison_of_settlement_runs"]
    assert fits(said, one.said["responses"]["200"]["content"]["application/json"]["schema"]) == []
    change = new.total_usd - run.total_usd
    assert Decimal(said["totals"]["amount_usd"]) == change != 0
    assert sum(Decimal(cause["amount_usd"]) for cause in said["causes"]) == change
    for each in said["lines"]:
        caused = sum(Decimal(usd) for usd in each["by_cause"].values())
        assert caused == Decimal(each["amount_usd"])
    [changed] = [one for one in said["behind"]["readings"] if one["is_own"]]
    assert (changed["channel"], changed["interval_count"]) == ("HALL-A/DEL_KWH", 1)
    table = client.get(f"{address}?against=1", HTTP_ACCEPT="text/csv", **staff)
    assert table.content.startswith(b"line_code,line,first_date")
    assert client.get(f"{address}?against=7", **staff).status_code == 404


def test_a_statement_that_lacks_a_line_stands_beside_ours(client, world, staff):
    statement = crawl._statement()
    said = ask(client, staff, f"/api/v1/counterparty-statements/{statement.pk}/compare")
    verdicts = {line["line_code"]: line["verdict"] for line in said["lines"]}
    assert verdicts == {10: "BREAK", 11: "MISSING_THEIRS", 40: "MATCH"}
    [lacking] = [line for line in said["lines"] if line["line_code"] == 11]
    assert (lacking["theirs"], lacking["ours"]["unit"]) == (None, "MWh")
    invoiced = world.invoices["PPA-ALFA"].total_usd
    assert said["is_purchase"] is False
    assert said["undisputed"] == {
        "invoiced_usd": str(invoiced), "open_usd": "0.00", "credited_usd": "0.00",
        "stays_due_usd": str(invoiced),
    }  # fmt: skip
    client.force_login(world.people["viewer"])
    page = client.get(f"/office/statements/{statement.pk}/")
    assert page.status_code == 200
    assert lacking["label"] in page.content.decode()


@pytest.mark.parametrize(
    ("what", "most"), [("explain", 18), ("intervals", 16), ("trace?at=2026-03-12T12:15:00Z", 28)]
)
def test_queries_are_bounded(client, world, staff, what, most):
    with CaptureQueriesContext(connection) as context:
        ask(client, staff, f"{line(world)}/{what}")
    assert len(context) <= most
