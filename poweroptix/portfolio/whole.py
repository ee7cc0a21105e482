"""The whole portfolio as one document: applied elsewhere it gives the same document again."""

from __future__ import annotations

from typing import Any

from contracts.models import Contract, HolidayCalendar
from contracts.services.document import contract_document
from poweroptix.accounts.models import Tenant
from poweroptix.portfolio.export import item_of, metering_document, rows_of, written
from settlement.models import MoneyMember, Ownership, Pool

#: Sections whose items are the plain fields of a row.
AGREED = {
    "parties": "contracts.Party",
    "tou_calendars": "contracts.TouCalendar",
    "index_series": "contracts.IndexSeries",
    "carbon_policies": "esg.CarbonPolicy",
    "money_pools": "settlement.MoneyPool",
    "close_calendars": "settlement.CloseCalendar",
    "close_contracts": "settlement.CloseContract",
}


def portfolio_document() -> dict[str, list[dict[str, Any]]]:
    """Return every section of master data as it stands; empty ones are left out.

    Readings, prices and amounts of pools are no master data: they come by file and by entry.
    Corrected and withdrawn events are left to the history; those that stand are told.
    """
    found: dict[str, list[dict[str, Any]]] = {
        "tenants": [{"code": one.code, "name": one.name} for one in Tenant.objects.order_by("pk")],
        **metering_document(),
        **{name: [item_of(row) for row in rows_of(label)] for name, label in AGREED.items()},
        "holiday_calendars": [_holidays(one) for one in HolidayCalendar.objects.order_by("pk")],
        "pools": [_pool(one) for one in Pool.objects.select_related("campus").order_by("pk")],
        "ownerships": [_ownership(one) for one in _ownerships()],
        **_members(),
    }
    for contract in Contract.objects.select_related("campus").order_by("pk"):
        for name, items in contract_document(contract).items():
            found.setdefault(name, []).extend(items)
    return {name: items for name, items in found.items() if items}


def _holidays(calendar: HolidayCalendar) -> dict[str, Any]:
    days = calendar.holidays.order_by("date")
    return {
        "code": calendar.code,
        "name": calendar.name,
        "holidays": {one.date.isoformat(): one.name for one in days},
    }


def _pool(pool: Pool) -> dict[str, Any]:
    members = pool.members.select_related("contract").order_by("contract__code", "first_date")
    points = pool.points.order_by("code").values_list("code", flat=True)
    return {
        **item_of(pool),
        "points": list(points),
        "members": [
            {
                "contract": one.contract.code,
                "first_date": written(one.first_date),
                **({"end_date": written(one.end_date)} if one.end_date else {}),
            }
            for one in members
        ],
    }


def _members() -> dict[str, list[dict[str, Any]]]:
    """Return who shares a pool of money: contracts, and the pools that divide a share further."""
    rows = MoneyMember.objects.select_related("pool__campus", "contract", "part_pool")
    rows = rows.order_by("pool__code", "valid", "pk")
    told = [(one, {"campus": one.pool.campus.code, **item_of(one)}) for one in rows]
    return {
        "money_members": [item for one, item in told if one.contract_id],
        "money_parts": [item for one, item in told if one.part_pool_id],
    }


def _ownerships() -> Any:
    rows = Ownership.objects.select_related("campus", "operator").order_by("campus", "first_date")
    return rows.prefetch_related("shares__party")


def _ownership(ownership: Ownership) -> dict[str, Any]:
    shares = sorted(ownership.shares.all(), key=lambda one: (one.party.code, one.valid.lower))
    return {
        **item_of(ownership),
        "shares": [item_of(one, without="ownership") for one in shares],
    }
