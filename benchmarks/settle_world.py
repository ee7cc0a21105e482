"""A campus to be settled: sources, tenants with contracts of eight charges, a month of readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

ZONE = "America/Chicago"
MONTH = "2026-03"
FIRST = date(2026, 1, 1)
NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
TERMS = (
    (10, "fixed_energy@1", "Energy", {"price": "41.25"}),
    (
        11,
        "tou_energy@1",
        "Energy by time of use",
        {
            "calendar": "TOU",
            "prices": [{"period": "ON", "price": "12.5"}, {"period": "OFF", "price": "3.75"}],
        },
    ),
    (12, "index_adder@1", "Index energy", {"index": "HUB", "adder": "3.50"}),
    (
        20,
        "demand@1",
        "Demand",
        {
            "prices": [{"period": "ALL", "blocks": [{"rate": "9.80"}]}],
            "ratchet_ratio": "0.8",
            "ratchet_months": 11,
        },
    ),
    (21, "capacity@1", "Capacity", {"capacity_kw": "5000", "rate": "6.25"}),
    (40, "recurring_fee@1", "Fee", {"fee": "2500"}),
    (
        60,
        "minimum_bill@1",
        "Minimum bill",
        {"minimum": "45000", "lines": [10, 11, 12, 20, 21, 40], "part_month": "DAYS"},
    ),
    (
        80,
        "tax@1",
        "Sales tax",
        {
            "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.0625"}],
            "lines": [40],
            "method": "ON_TOP",
            "tax_day": "LAST_DAY",
        },
    ),
)
CHARGES = len(TERMS)


def build(code: str, tenants: int, sources: int, minutes: int, period):
    """Write a campus, its tenants with a point each, prices, a calendar and readings."""
    from contracts.models import IndexSeries, Party, TouCalendar
    from contracts.services import publish_index
    from meters.models import Campus, Channel, DeliveryPoint
    from poweroptix.audit.actor import Actor
    from settlement.models import Pool, PoolMember

    campus = Campus.objects.create(code=code, name=code, zone=ZONE)
    seller, _ = Party.objects.get_or_create(
        code="SELLER", defaults={"name": "S", "legal_name": "S", "role": "SELLER"}
    )
    hub, is_new = IndexSeries.objects.get_or_create(
        code="HUB", defaults={"name": "Hub", "zone": ZONE}
    )
    if is_new:
        rows = [
            (period.start_utc + timedelta(hours=at), Decimal(2000 + at * 7 % 900) / 100)
            for at in range(int(period.hours))
        ]
        system = Actor.system("benchmark")
        publish_index(hub, rows, vintage="final", final=True, actor=system, now=NOW)
        TouCalendar.objects.create(code="TOU", name="Tou", zone=ZONE, schedule=_schedule())
    names = [(f"G{at:02d}", "GENERATOR") for at in range(sources)]
    names += [(f"T{at:04d}", "TENANT_LOAD") for at in range(tenants)]
    points = DeliveryPoint.objects.bulk_create(
        DeliveryPoint(campus=campus, code=name, name=name, kind=kind) for name, kind in names
    )
    channels = Channel.objects.bulk_create(
        Channel(delivery_point=one, code=f"{code}/{one.code}/KWH", minutes=minutes)
        for one in points
    )
    contracts = _contracts(campus, seller, points[sources:], tenants)
    pool = Pool.objects.create(campus=campus, code="losses", kind="LOSS", key="metered_use@1")
    PoolMember.objects.bulk_create(
        PoolMember(pool=pool, contract=one, first_date=FIRST) for one in contracts
    )
    _readings(channels, sources, period, minutes)
    return campus, contracts


def _schedule() -> dict:
    def row(days, start, end, name):
        return {"day_types": days, "start": start, "end": end, "period": name}

    return {
        "rows": [
            row(["weekday"], "00:00", "07:00", "OFF"),
            row(["weekday"], "07:00", "22:00", "ON"),
            row(["weekday"], "22:00", "24:00", "OFF"),
            row(["weekend", "holiday"], "00:00", "24:00", "OFF"),
        ]
    }


def _contracts(campus, seller, points, count: int) -> list:
    """Write active contracts in bulk, eight terms each."""
    from contracts.models import (
        Contract,
        ContractExample,
        ContractVersion,
        Party,
        TenantPoint,
        Term,
    )
    from poweroptix.accounts.models import Tenant

    tenants = Tenant.objects.bulk_create(
        Tenant(code=f"{campus.code.lower()}-{at:04d}", name=f"T{at}", created_at=NOW)
        for at in range(count)
    )
    parties = Party.objects.bulk_create(
        Party(code=one.code, name=one.name, legal_name=one.name, role="TENANT", tenant=one)
        for one in tenants
    )
    contracts = Contract.objects.bulk_create(
        Contract(code=f"PPA-{one.code}", name=one.name, seller=seller, offtaker=one,
                 tenant=one.tenant, campus=campus, zone=ZONE)
        for one in parties
    )  # fmt: skip
    versions = ContractVersion.objects.bulk_create(
        ContractVersion(contract=one, tenant_id=one.tenant_id, number=1,
                        valid=DateRange(FIRST, None), anchor_date=date(2026, 3, 1),
                        created_at=NOW, created_by="system:benchmark")
        for one in contracts
    )  # fmt: skip
    Term.objects.bulk_create(
        Term(version=one, tenant_id=one.tenant_id, position=at, line_code=code, charge_type=key,
             label=label, parameters=parameters)
        for one in versions
        for at, (code, key, label, parameters) in enumerate(TERMS, 1)
    )  # fmt: skip
    ContractExample.objects.bulk_create(
        ContractExample(version=one, tenant_id=one.tenant_id, name="x", inputs={}, expected={})
        for one in versions
    )
    ContractVersion.objects.filter(contract__campus=campus).update(
        state="ACTIVE", activated_at=NOW, activated_by="b"
    )
    TenantPoint.objects.bulk_create(
        TenantPoint(contract=contract, tenant_id=contract.tenant_id, delivery_point=point,
                    valid=DateRange(FIRST, None))
        for contract, point in zip(contracts, points, strict=True)
    )  # fmt: skip
    return list(
        Contract.objects.filter(campus=campus).select_related("tenant", "campus").order_by("pk")
    )


def _readings(channels, sources: int, period, minutes: int) -> None:
    """Publish a month of final readings for every channel; losses are 1 %."""
    from meters.models import Publication
    from meters.services.publishing.publish import publish
    from meters.storage import Batch, epoch_day, write

    first = epoch_day(period.start_utc.date())
    days = epoch_day(period.end_utc.date()) - first + 1
    random = np.random.default_rng(7)
    loads = random.integers(
        900_000_000, 1_500_000_000, (len(channels) - sources, days, 1440 // minutes)
    )
    needed = loads.sum(axis=0) * 101 // 100
    generated = np.repeat((needed // sources)[None], sources, axis=0)
    generated[0] += needed - generated.sum(axis=0)
    batch = Batch.empty(minutes, len(channels) * days)
    batch.channel_ids[:] = np.repeat([one.pk for one in channels], days)
    batch.days[:] = np.tile(np.arange(first, first + days), len(channels))
    batch.layers[:], batch.versions[:], batch.status[:] = 2, 1, 10
    batch.values[:] = np.concatenate([generated, loads]).reshape(len(batch), -1)
    with transaction.atomic():
        publication = Publication.objects.create(kind="VEE", actor="b", created_at=NOW)
        batch.publication_ids[:] = publication.pk
        batch.compute_digests()
        write(batch, NOW)
        publish(publication, NOW)
