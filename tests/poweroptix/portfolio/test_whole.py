"""The whole portfolio as a document: applied elsewhere it gives the same document again."""

import copy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from contracts.models import ContractEvent
from contracts.services import withdraw_event
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.changes import SAME
from poweroptix.portfolio.document import parse_document, read_document
from poweroptix.portfolio.export import as_yaml
from poweroptix.portfolio.services import SECTIONS, apply_document
from poweroptix.portfolio.whole import portfolio_document
from tests.poweroptix.portfolio.test_money import DOCUMENT

pytestmark = pytest.mark.django_db
CAMPUS = Path(__file__).parents[2] / "factories" / "campus.yaml"
BY = {"actor": Actor.system("test"), "now": datetime(2026, 4, 2, tzinfo=UTC)}
OUTAGE = {
    "contract": "PPA-ALFA",
    "kind": "outage@1",
    "start": "2026-03-12T06:00:00Z",
    "end": "2026-03-12T09:00:00Z",
    "values": {"category": "DERATING", "caused_by": "SELLER", "lost_kw": "2500"},
    "reason": "Log of the control room",
}
MORE = {
    "pools": [
        {
            "campus": "MESA",
            "code": "losses",
            "kind": "LOSS",
            "key": "metered_use@1",
            "members": [
                {
                    "contract": "PPA-BRAVO",
                    "first_date": "2026-03-01",
                    "end_date": "2026-09-01",
                }
            ],
        }
    ],
    "money_pools": [
        {
            "campus": "MESA",
            "code": "rent",
            "name": "Rent",
            "kind": "COST",
            "key": "stated_weights@1",
            "parameters": {"unit": "MW", "part_month": "DAYS"},
        }
    ],
    "money_members": [
        {"campus": "MESA", "pool": "rent", "contract": "PPA-ALFA", "weight": "26"}
        | {"valid": ["2026-03-01", "2026-07-01"]}
    ],
    "contract_quantities": [
        {"contract": "PPA-ALFA", "name": "engine", "channel": "GEN-1/DEL_KWH"}
        | {"sign": -1, "valid": ["2026-03-01", ""]}
    ],
    "contract_events": [
        OUTAGE,
        {"contract": "PPA-BRAVO", "kind": "start@1", "start": "2026-03-02T12:00:00-06:00"}
        | {"values": {"state": "COLD", "caused_by": "BUYER"}, "reason": "Log"},
    ],
}


def apply(document):
    return apply_document(document, **BY)


def through_yaml(document):
    return parse_document(as_yaml(document).encode())


@pytest.fixture
def built():
    """Build a campus with all of it and return it as a document."""
    for document in (read_document(CAMPUS), DOCUMENT, MORE):
        apply(document)
    return through_yaml(portfolio_document())


def test_what_is_exported_changes_nothing_here_and_is_the_same_elsewhere():
    with transaction.atomic():
        for document in (read_document(CAMPUS), DOCUMENT, MORE):
            apply(document)
        told = through_yaml(portfolio_document())
        assert {change.action for change in apply(told)} == {SAME}
        transaction.set_rollback(True)
    assert portfolio_document() == {}
    assert set(told) <= set(SECTIONS)
    assert {"ownerships", "money_parts", *MORE, "contracts", "parties", "channels"} <= set(told)
    apply(told)
    assert through_yaml(portfolio_document()) == told


def test_a_withdrawn_event_is_not_told_and_another_one_is_refused(built):
    assert [one["kind"] for one in built["contract_events"]] == ["outage@1", "start@1"]
    other = copy.deepcopy(OUTAGE) | {"reason": "Somebody said so"}
    with pytest.raises(Refused, match=r"contract_events\[0\]: an event PPA-ALFA/outage@1/2026-03"):
        apply({"contract_events": [other]})
    with pytest.raises(Refused, match=r"contract_events\[0\]\.start: '12 March' is not an ISO"):
        apply({"contract_events": [OUTAGE | {"start": "12 March"}]})
    with pytest.raises(Refused, match=r"contract_events\[0\]: .*category"):
        apply({"contract_events": [OUTAGE | {"start": "2026-03-20T06:00:00Z", "values": {}}
                                   | {"end": "2026-03-20T07:00:00Z"}]})  # fmt: skip
    outage = ContractEvent.objects.get(kind="outage@1")
    withdraw_event(outage, reason="A test of the breaker", **BY)
    assert [one["kind"] for one in portfolio_document()["contract_events"]] == ["start@1"]


def test_a_member_of_a_pool_leaves_by_a_document(built):
    [losses] = built["pools"]
    assert [one["contract"] for one in losses["members"]] == ["PPA-ALFA", "PPA-BRAVO"]
    losses["members"][0]["end_date"] = "2026-12-01"
    assert [one.action for one in apply({"pools": [losses]})] == ["update"]
    [again] = portfolio_document()["pools"]
    assert [one.get("end_date") for one in again["members"]] == ["2026-12-01", "2026-09-01"]
