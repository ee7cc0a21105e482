"""Pools, owners, events and quantities through the API: entered, divided, stated, withdrawn."""

import csv
import io
from decimal import Decimal

import pytest

from poweroptix.accounts.permissions import SCOPES
from tests.poweroptix.api import crawl
from tests.poweroptix.api.test_crawl import GOOD

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture(scope="module")
def staff(world):
    return {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, by='analyst')}"}


def post(client, staff, address, said, key):
    head = staff | {"HTTP_IDEMPOTENCY_KEY": key}
    return client.post(f"{API}/{address}", said, content_type="application/json", **head)


def test_an_amount_is_entered_once_divided_and_withdrawn(client, staff, world):
    crawl._money_pool()
    made = post(client, staff, "money-pool-items", GOOD["money-pool-items"], "one")
    assert (made.status_code, made.json()["created_by"]) == (201, "user:analyst")
    assert client.get(made["Location"], **staff).json() == made.json()
    again = post(client, staff, "money-pool-items", GOOD["money-pool-items"], "one")
    assert (again.json(), again["Idempotent-Replayed"]) == (made.json(), "true")
    [month] = client.get(f"{API}/money-pool-months?period=2026-04", **staff).json()["data"]
    assert (month["amount_usd"], month["state"]) == ("30000.00", "CALCULATED")
    address = f"{API}/money-pool-months/{month['id']}/shares"
    shares = client.get(address, **staff).json()["data"]
    assert [(one["member"], one["amount_usd"]) for one in shares] == [
        ("PPA-ALFA", "20000.00"), ("PPA-BRAVO", "10000.00"),
    ]  # fmt: skip
    table = client.get(address, HTTP_ACCEPT="text/csv", **staff).content.decode()
    assert [row["share USD"] for row in csv.DictReader(io.StringIO(table))] == [
        "20000.00", "10000.00",
    ]  # fmt: skip
    address = f"money-pool-items/{made.json()['id']}/withdraw"
    gone = post(client, staff, address, {"reason": "Entered twice."}, "two")
    assert (gone.status_code, gone.json()["withdrawn_reason"]) == (200, "Entered twice.")
    assert post(client, staff, address, {"reason": "Again."}, "three").status_code == 409


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount_usd": "1,000"}, "'1,000' is not a plain number such as 1250.5."),
        ({"amount_usd": "1e999999999"}, "'1e999999999' is not a plain number such as 1250.5."),
        ({"pool": "nothing"}, "There is no such pool on this campus."),
        ({"quantity": "3"}, "Enter an amount, or a quantity with its price; one of both."),
        ({"amount": "3"}, "There is no such field."),
        (
            {"period": "2026-03"},
            "The pool insurance has no member in 2026-03: the next begins on 2026-04-01. Enter the "
            "amount for a month with members, or let the members begin earlier.",
        ),
    ],
)
def test_an_amount_that_cannot_be_is_refused(client, staff, world, change, said):
    crawl._money_pool()
    answer = post(client, staff, "money-pool-items", GOOD["money-pool-items"] | change, "k")
    assert (answer.status_code, answer.json()["detail"]) == (400, said)
    assert client.get(f"{API}/money-pool-items", **staff).json()["data"] == []


def test_an_event_is_recorded_corrected_and_withdrawn(client, staff, world):
    body = GOOD["contract-events"]
    first = post(client, staff, "contract-events", body, "a").json()
    assert (first["contract"], first["recorded_by"]) == ("PPA-ALFA", "user:analyst")
    later = body | {"end_utc": "2026-03-12T10:00:00Z", "replaces": str(first["id"])}
    second = post(client, staff, "contract-events", later, "b").json()
    assert second["replaces_id"] == first["id"]
    shown = client.get(f"{API}/contract-events/{first['id']}", **staff).json()
    assert shown["replaced_by"] == second["id"]
    address = f"contract-events/{second['id']}/withdraw"
    gone = post(client, staff, address, {"reason": "A test."}, "c")
    assert (gone.status_code, gone.json()["withdrawn"]) == (200, True)
    assert gone.json() == client.get(f"{API}/contract-events/{second['id']}", **staff).json()
    assert shown["withdrawn"] is second["withdrawn"] is False  # corrected is not withdrawn
    said = client.get(f"{API}/contract-events/{gone.json()['replaced_by']}", **staff).json()
    assert (said["withdrawn"], said["replaces_id"]) == (True, second["id"])
    wrong = body | {"values": {"category": "FORCED", "caused_by": 1}}
    assert post(client, staff, "contract-events", wrong, "d").status_code == 400
    wrong = body | {"kind": "cycle@1", "values": {"cycles": "\N{ARABIC-INDIC DIGIT THREE}"}}
    answer = post(client, staff, "contract-events", wrong, "f")
    assert (answer.status_code, "plain decimal" in answer.json()["detail"]) == (400, True)
    wrong = body | {"values": {"category": "SOME", "caused_by": "SELLER"}}
    assert "category" in post(client, staff, "contract-events", wrong, "e").json()["detail"]


def test_the_person_behind_the_token_needs_the_right(client, world):
    head = {"HTTP_AUTHORIZATION": f"Bearer {world.token(*SCOPES, by='viewer')}"}
    answer = post(client, head, "contract-events", GOOD["contract-events"], "a")
    assert (answer.status_code, answer.json()["code"]) == (403, "accounts.forbidden")


def test_statements_of_owners_add_up_to_the_net(client, staff, world):
    month = crawl._owner_month()
    said = client.get(f"{API}/owner-months/{month.pk}/statements", **staff).json()
    assert Decimal(said["net_usd"]) == month.net_usd > 0
    [party] = said["data"]
    assert Decimal(party["net_usd"]) == sum(Decimal(one["amount_usd"]) for one in party["lines"])
    address = f"{API}/owner-months/{month.pk}/statements?party=nobody"
    assert client.get(address, **staff).status_code == 404
