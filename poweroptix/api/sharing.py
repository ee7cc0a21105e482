"""What is shared on a campus: pools of energy and of money, their months, and the owners."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from poweroptix.api.lists import Resource, found
from poweroptix.api.records import BagField
from poweroptix.api.serializers import RangeField, of, text
from poweroptix.api.tables import Table, TableView, document
from settlement.models import (
    MoneyMember,
    MoneyPool,
    OwnerMonth,
    OwnerShare,
    Ownership,
    Pool,
    PoolItem,
    PoolMember,
    PoolMonth,
)
from settlement.pages import money, owners
from settlement.services.owners import stated_again

SUMS = ("revenue_usd", "cost_usd", "fee_usd", "net_usd")
SHARE = ("weight", "unit", "said", "extra_usd")

PoolMemberOut = of(PoolMember, "first_date end_date", contract=text("contract.code"))
PoolOut = of(
    Pool,
    "id code name kind key merit",
    _name="AllocationPool",
    campus=text("campus.code"),
    parameters=BagField(read_only=True),
    storage=BagField(read_only=True),
    points=serializers.SlugRelatedField("code", many=True, read_only=True),
    members=PoolMemberOut(many=True, read_only=True),
)
MemberOut = of(
    MoneyMember,
    "weight",
    contract=text("contract.code"),
    part_pool=text("part_pool.code"),
    valid=RangeField(read_only=True),
)
MoneyPoolOut = of(
    MoneyPool,
    "id code name kind key operator_cut_ratio",
    campus=text("campus.code"),
    operator=text("operator.code"),
    parameters=BagField(read_only=True),
    members=MemberOut(many=True, read_only=True),
)
ItemOut = of(
    PoolItem,
    "id period label quantity unit rate exact_usd source evidence created_by created_at "
    "withdrawn_by withdrawn_at withdrawn_reason",
    campus=text("pool.campus.code"),
    pool=text("pool.code"),
)
MonthOut = of(
    PoolMonth,
    "id period version state allocation_run_id amount_usd operator_usd inputs_sha256 created_by "
    "created_at",
    campus=text("pool.campus.code"),
    pool=text("pool.code"),
    findings=serializers.ListField(child=serializers.DictField(), read_only=True),
)
ShareOut = of(
    OwnerShare,
    "revenue_share cost_share upside_share",
    party=text("party.code"),
    valid=RangeField(read_only=True),
)
OwnershipOut = of(
    Ownership,
    "id model first_date share_change fee_basis fee_ratio fee_usd evidence",
    campus=text("campus.code"),
    operator=text("operator.code"),
    shares=ShareOut(many=True, read_only=True),
)
OwnerMonthOut = of(
    OwnerMonth,
    "id period version state net_usd inputs_sha256 created_by created_at",
    campus=text("campus.code"),
)


def _members(model: type, *related: str) -> Prefetch:
    return Prefetch("members", model.objects.select_related(*related))


POOLS = Resource(
    "allocation-pools", "Pools of energy and losses", PoolOut,
    lambda _who: Pool.objects.select_related("campus").prefetch_related(
        "points", _members(PoolMember, "contract")
    ),
    "settlement.view", filters={"campus": "campus__code", "code": "code", "kind": "kind"},
)  # fmt: skip
MONEY_POOLS = Resource(
    "money-pools", "Pools of money", MoneyPoolOut,
    lambda _who: MoneyPool.objects.select_related("campus", "operator").prefetch_related(
        _members(MoneyMember, "contract", "part_pool")
    ),
    "settlement.view", filters={"campus": "campus__code", "code": "code", "kind": "kind"},
)  # fmt: skip
ITEMS = Resource(
    "money-pool-items", "Amounts of pools of money", ItemOut,
    lambda _who: PoolItem.objects.select_related("pool__campus"), "settlement.view",
    filters={"campus": "pool__campus__code", "pool": "pool__code", "period": "period"},
)  # fmt: skip
POOL_MONTHS = Resource(
    "money-pool-months", "Months of pools of money, as divided", MonthOut,
    lambda _who: PoolMonth.objects.select_related("pool__campus").defer("inputs", "head"),
    "settlement.view",
    filters={
        "campus": "pool__campus__code", "pool": "pool__code", "period": "period", "state": "state",
    },
)  # fmt: skip
OWNERSHIPS = Resource(
    "ownerships", "Ownership of campuses", OwnershipOut,
    lambda _who: Ownership.objects.select_related("campus", "operator").prefetch_related(
        Prefetch("shares", OwnerShare.objects.select_related("party"))
    ),
    "settlement.view", filters={"campus": "campus__code", "model": "model"},
)  # fmt: skip
OWNER_MONTHS = Resource(
    "owner-months", "Months of the owners", OwnerMonthOut,
    lambda _who: OwnerMonth.objects.select_related("campus").defer("inputs"), "settlement.view",
    filters={"campus": "campus__code", "period": "period", "state": "state"},
)  # fmt: skip
ALL = (POOLS, MONEY_POOLS, ITEMS, POOL_MONTHS, OWNERSHIPS, OWNER_MONTHS)


class PoolShares(TableView):
    """A pool's month as divided: what each member gets, by which weight."""

    staff_verb = "settlement.view"

    def get(self, request: Request, key: str) -> Response:
        """Return the shares; empty while an input is missing."""
        month = found(POOL_MONTHS, self.principal, key)
        shares = money.shares_of(month)
        if self.is_table(request):
            return Response(Table(money.HEAD, list(money.table_of(month, shares))))
        said = [
            {
                "member": one["member"],
                "is_pool": one["row"].part_pool_id is not None,
                **{name: one[name] for name in SHARE},
                "whole_usd": one["row"].whole_usd,
                "amount_usd": one["row"].amount_usd,
            }
            for one in shares
        ]
        return document({"operator_usd": month.operator_usd, "data": said})


class OwnerStatements(TableView):
    """The statements of a month: of every party, or of one, each line with its part and sign."""

    staff_verb = "settlement.view"
    parameters = frozenset({"party"})

    def get(self, request: Request, key: str) -> Response:
        """Return them; they add up to the net of the month."""
        month = found(OWNER_MONTHS, self.principal, key)
        stated, party = stated_again(month), request.query_params.get("party", "")
        if party and party not in stated.parties:
            raise Http404
        if self.is_table(request):
            return Response(Table(owners.HEAD, list(owners.table_of(month, stated, party))))
        shown = [
            {"party": one["party"], **{name: one[name] for name in SUMS}}
            | {"lines": [_line(line) for line in one["lines"]]}
            for one in owners.statements_of(stated, party)
        ]
        return document({"net_usd": month.net_usd, "data": shown})


def _line(line: Any) -> dict[str, Any]:
    names = ("kind", "label", "base_usd", "weight", "weights", "said", "amount_usd")
    return {name: getattr(line, name) for name in names}
