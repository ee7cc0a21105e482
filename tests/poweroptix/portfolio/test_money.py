"""Pools of money and owners in a portfolio document: applied twice, and refused by path."""

import copy
from datetime import UTC, datetime

import pytest

from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.services import apply_document
from settlement.models import MoneyMember, OwnerShare

pytestmark = pytest.mark.django_db
PART = {"part_month": "WHOLE"}
DOCUMENT = {
    "campuses": [{"code": "CAP", "name": "Caprock", "zone": "America/Chicago"}],
    "parties": [
        {"code": code, "name": code, "legal_name": f"{code} LLC", "role": "SELLER"}
        for code in ("DEVCO", "FUND")
    ],
    "money_pools": [
        {
            "campus": "CAP",
            "code": code,
            "name": code,
            "kind": "COST",
            "key": "stated_weights@1",
            "parameters": {"unit": "parts", **PART},
        }
        for code in ("site", "hall")
    ],
    "money_parts": [
        {"campus": "CAP", "pool": "site", "part_pool": "hall", "weight": "3"}
        | {"valid": ["2026-01-01", ""]}
    ],
    "ownerships": [
        {
            "campus": "CAP",
            "model": "JOINT_VENTURE",
            "first_date": "2026-01-01",
            "operator": "DEVCO",
            "fee_basis": "REVENUE",
            "fee_ratio": "0.03",
            "evidence": "JV agreement of 2025-11-03",
            "share_change": "DAYS",
            "shares": [
                {"party": "DEVCO", "revenue_share": "0.55", "valid": ["2026-01-01", "2026-03-11"]},
                {"party": "DEVCO", "revenue_share": "0.50", "valid": ["2026-03-11", ""]},
                {"party": "FUND", "revenue_share": "0.45", "valid": ["2026-01-01", "2026-03-11"]},
                {"party": "FUND", "revenue_share": "0.50", "valid": ["2026-03-11", ""]},
            ],
        }
    ],
}


def apply(document):
    at = datetime(2026, 4, 2, tzinfo=UTC)
    return [one.action for one in apply_document(document, actor=Actor.system("test"), now=at)]


def test_pools_and_owners_are_applied_once_and_refused_by_path():
    assert set(apply(DOCUMENT)) == {"create"}
    assert (MoneyMember.objects.count(), OwnerShare.objects.count()) == (1, 4)
    assert set(apply(DOCUMENT)) == {"unchanged"}
    wrong = copy.deepcopy(DOCUMENT)
    wrong["ownerships"][0]["shares"][3]["revenue_share"] = "0.4"
    with pytest.raises(Refused) as refused:
        apply(wrong)
    assert refused.value.message == (
        "ownerships[0].shares, revenue_share: On 2026-03-11 the shares add up to 9/10 (DEVCO 0.50, "
        "FUND 0.4), they must add up to 1. Give 1/10 to a member on these days, or start the next "
        "member on 2026-03-11."
    )
    assert set(OwnerShare.objects.values_list("revenue_share", flat=True)) == {
        "0.45",
        "0.50",
        "0.55",
    }
