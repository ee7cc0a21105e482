"""Reading through the API: shapes, pages, filters, scopes."""

import csv
import io
from decimal import Decimal

import pytest

from poweroptix.api import resources

pytestmark = pytest.mark.django_db
ALL_SCOPES = (
    "readings:read", "readings:write", "contracts:read", "settlement:read", "settlement:write",
    "statements:read", "carbon:read", "jobs:read",
)  # fmt: skip


@pytest.fixture(scope="module")
def staff(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*ALL_SCOPES)}"}


@pytest.fixture(scope="module")
def alfa(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*ALL_SCOPES, tenant='alfa')}"}


@pytest.mark.parametrize("resource", resources.ALL, ids=lambda one: one.name)
def test_every_list_has_the_same_shape(client, staff, resource):
    answer = client.get(f"/api/v1/{resource.name}?limit=2", **staff)
    assert answer.status_code == 200, answer.content[:500]
    assert set(answer.json()) == {"data", "next_cursor", "has_more"}
    for row in answer.json()["data"]:
        assert client.get(f"/api/v1/{resource.name}/{_key(resource, row)}", **staff).json() == {
            **row,
            **_receipt(client, staff, resource, row),
        }


def _key(resource, row):
    return row["id"] if resource.key == "pk" else row[resource.key]


def _receipt(client, staff, resource, row):
    if resource.name != "import-files":
        return {}
    return client.get(f"/api/v1/import-files/{row['id']}", **staff).json()


def test_pages_follow_one_another_without_gap_or_repeat(client, staff):
    seen, address = [], "/api/v1/channels?limit=3"
    while address:
        answer = client.get(address, **staff)
        seen += [row["id"] for row in answer.json()["data"]]
        cursor = answer.json()["next_cursor"]
        assert answer.json()["has_more"] == bool(cursor) == ("Link" in answer)
        address = f"/api/v1/channels?limit=3&cursor={cursor}" if cursor else ""
    assert seen == sorted(set(seen))
    assert len(seen) == 4


def test_a_cursor_belongs_to_its_list(client, staff):
    cursor = client.get("/api/v1/channels?limit=1", **staff).json()["next_cursor"]
    answer = client.get(f"/api/v1/meters?cursor={cursor}", **staff)
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor")


def test_decimals_are_text_and_lines_add_up(client, staff, world):
    run = world.runs["PPA-ALFA"].pk
    head = client.get(f"/api/v1/settlement-runs/{run}", **staff).json()
    lines = client.get(f"/api/v1/settlement-runs/{run}/lines", **staff).json()["data"]
    assert isinstance(head["total_usd"], str)
    assert sum(Decimal(line["amount_usd"]) for line in lines) == Decimal(head["total_usd"])
    why = client.get(f"/api/v1/settlement-runs/{run}/lines/1/explain", **staff).json()
    assert why["worksheet"]["amount_usd"] == lines[0]["amount_usd"]


def test_series_as_columns_and_as_csv(client, staff):
    channel = client.get("/api/v1/channels?code=HALL-A/DEL_KWH", **staff).json()["data"][0]["id"]
    address = (
        f"/api/v1/channels/{channel}/series?start=2026-03-12T06:00:00Z&end=2026-03-13T06:00:00Z"
    )
    columns = client.get(address, **staff).json()
    assert (columns["count"], columns["unit"], columns["quality"]) == (96, "kWh", [["A", 96]])
    answer = client.get(address, HTTP_ACCEPT="text/csv", **staff)
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert [row[1] for row in rows[1:]] == columns["values"]
    assert rows[1] == ["2026-03-12T06:00:00Z", columns["values"][0], "A"]


def test_prices_of_an_index(client, staff):
    answer = client.get(
        "/api/v1/index-series/hub/values?start=2026-03-12T06:00:00Z&end=2026-03-12T08:00:00Z",
        **staff,
    )
    assert answer.json()["count"] == 2
    assert answer.json()["final"] is True
    between = client.get(
        "/api/v1/index-series/hub/values?start=2026-03-12T06:30:00Z&end=2026-03-12T08:30:00Z",
        **staff,
    )
    assert between.status_code == 400
    assert "2026-03-12T06:30:00Z begins no price" in between.content.decode()


@pytest.mark.parametrize("form", ["pdf", "csv", "json"])
def test_files_of_an_invoice(client, alfa, staff, world, form):
    number = world.invoices["PPA-ALFA"].number
    mine = client.get(f"/api/v1/invoices/{number}/{form}", **alfa)
    assert mine.status_code == 200
    assert mine.content == client.get(f"/api/v1/invoices/{number}/{form}", **staff).content


def test_a_tenant_is_told_what_is_not_for_it(client, alfa):
    for name in ("generating-units", "meters", "findings", "import-files", "index-series"):
        answer = client.get(f"/api/v1/{name}", **alfa)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), name


def test_a_scope_opens_only_what_it_names(client, world):
    head = {"HTTP_AUTHORIZATION": f"Bearer {world.token('carbon:read', tenant='alfa')}"}
    assert client.get("/api/v1/emission-lines", **head).status_code == 200
    assert client.get("/api/v1/invoices", **head).status_code == 403


def test_description_and_page(client, world):
    client.force_login(world.people["alfa"])
    answer = client.get("/api/schema/", HTTP_ACCEPT="application/json")
    assert answer.json()["openapi"].startswith("3.1")
    assert "/api/v1/invoices/{key}/pdf" in answer.json()["paths"]
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"<script>" not in page.content
    assert b"style=" not in page.content
    assert "Back to the portal" in page.content.decode()
    client.force_login(world.people["viewer"])
    assert '<a class="link" href="/">‹ Back to the office</a>' in (
        client.get("/api/docs/").content.decode()
    )


def test_a_replay_gives_the_lines_that_counted_then(client, world, staff):
    run = world.runs["PPA-ALFA"]
    address = "/api/v1/contracts/PPA-ALFA/replay?month=2026-03"
    then = client.get(f"{address}&as_of=2020-01-01T00:00:00Z", **staff)
    assert then.status_code == 404
    then = client.get(f"{address}&as_of=2100-01-01T00:00:00Z", **staff).json()
    assert (then["run"], then["lines_sha256"]) == (run.pk, run.lines_sha256)
    assert [line["label"] for line in then["lines"]] == [
        line.label for line in run.lines.order_by("position")
    ]
    assert client.get(address, **staff).json()["detail"] == "'as_of' is missing."


def test_a_choice_that_there_is_not_is_refused_with_the_known_ones(client, staff):
    answer = client.get("/api/v1/settlement-runs?state=FOO", **staff)
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter")
    assert answer.json()["detail"].startswith("'FOO' is no state; known: APPROVED, ")
    assert client.get("/api/v1/settlement-runs?state=APPROVED", **staff).status_code == 200
    assert client.get("/api/v1/settlement-runs?contract=FOO", **staff).json()["data"] == []
