"""Settle 200 tenants x 1 month x 15 minutes x 6 charges, database included, on one core.

    python benchmarks/settle.py [--tenants 200] [--minutes 15]

Builds a scratch database (the test database of DATABASE_URL), then measures the allocation and the
settlement of a whole campus month and prints interval-charges per second: tenants x intervals x
charges over the seconds from reading the first row to the commit of the last line. The pure
pricing of the same month, without the database, is printed beside it, and a float dot product of
the same size as the physical yardstick.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import cProfile  # noqa: E402
import pstats  # noqa: E402
import sys  # noqa: E402
from datetime import UTC, date, datetime, timedelta  # noqa: E402
from decimal import Decimal  # noqa: E402
from pathlib import Path  # noqa: E402
from time import perf_counter  # noqa: E402

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")

import django  # noqa: E402

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.backends.postgresql.psycopg_any import DateRange  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

CHARGES = 6
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
)


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3, help="settlements measured; best counts")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    previous = setup_databases(verbosity=0, interactive=False)
    try:
        _measure(options)
    finally:
        teardown_databases(previous, verbosity=0)


def _measure(options: argparse.Namespace) -> None:  # noqa: PLR0915 - one straight walk
    from poweroptix.audit.actor import Actor
    from poweroptix.kernel.period import Period
    from settlement.calc.settle import settle
    from settlement.queries.contract import read_contract
    from settlement.queries.shelf import Shelf
    from settlement.services import calculate, run_allocation, verify_run

    period, actor = Period.month(ZONE, MONTH), Actor.system("benchmark")
    begun = perf_counter()
    campus, contracts = _build(options.tenants, options.minutes, period)
    print(f"built {options.tenants} tenants in {perf_counter() - begun:.1f} s")
    intervals = period.grid(options.minutes).count
    work = options.tenants * intervals * CHARGES

    begun = perf_counter()
    allocation = run_allocation(campus, period, now=NOW, actor=actor)
    seconds = perf_counter() - begun
    print(
        f"allocation: {seconds:.2f} s, {options.tenants * intervals / seconds / 1e6:.2f} million "
        "interval-parts/s with the closing proof of the database"
    )

    best = None
    for number in range(options.rounds):
        begun = perf_counter()
        with transaction.atomic():
            if options.profile and number == options.rounds - 1:
                profile = cProfile.Profile()
                profile.enable()
            runs = calculate(contracts, period, allocation, kind="FINAL", now=NOW, actor=actor)
            if options.profile and number == options.rounds - 1:
                profile.disable()
                pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
            seconds = perf_counter() - begun
            if number < options.rounds - 1:
                transaction.set_rollback(True)
        best = seconds if best is None else min(best, seconds)
        print(f"settlement {number + 1}: {seconds:.2f} s, {work / seconds / 1e6:.2f} million "
              "interval-charges/s, database included")  # fmt: skip
    lines = sum(run.lines.count() for run in runs)
    print(f"{len(runs)} runs, {lines} lines, {_stored()} bytes each with lines and frozen inputs")

    shelf = Shelf()
    shelf.fill(contracts, period, allocation)
    inputs = [read_contract(one, period, allocation, shelf).inputs for one in contracts]
    begun = perf_counter()
    for one in inputs:
        settle(one)
    pure = perf_counter() - begun
    begun = perf_counter()
    for one in inputs:
        one.frozen()
    frozen = perf_counter() - begun
    print(f"of it: pricing {pure:.2f} s, freezing inputs {frozen:.2f} s, "
          f"reading, proving and writing {best - pure - frozen:.2f} s")  # fmt: skip
    begun = perf_counter()
    report = verify_run(runs[0])
    print(f"verify one run with its whole campus: {perf_counter() - begun:.2f} s, ok={report.ok}")
    print(f"float dot of the same {work:,} products: {_float_dot(work) * 1000:.1f} ms")
    goal = "reached" if work / best >= 1_000_000 else "MISSED"
    print(f"goal of 1.00 million interval-charges/s: {goal} ({work / best / 1e6:.2f})")


def _float_dot(size: int) -> float:
    first, second = np.random.default_rng(1).random((2, size))
    begun = perf_counter()
    np.dot(first, second)
    return perf_counter() - begun


def _stored() -> int:
    """Return bytes of a run with its lines as they are stored, compressed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT avg(pg_column_size(r.*) + (SELECT sum(pg_column_size(l.*))"
            " FROM settlement_line l WHERE l.run_id = r.id)) FROM settlement_settlementrun r"
        )
        return int(cursor.fetchone()[0])


def _build(count: int, minutes: int, period):
    """Write a campus with one generator, `count` tenants, prices, a calendar and readings."""
    from contracts.models import IndexSeries, Party, TouCalendar
    from contracts.services import publish_index
    from meters.models import Campus, Channel, DeliveryPoint
    from poweroptix.audit.actor import Actor
    from settlement.models import Pool, PoolMember

    system = Actor.system("benchmark")
    campus = Campus.objects.create(code="BENCH", name="Bench", zone=ZONE)
    seller = Party.objects.create(code="SELLER", name="S", legal_name="S", role="SELLER")
    hub = IndexSeries.objects.create(code="HUB", name="Hub", zone=ZONE)
    rows = [
        (period.start_utc + timedelta(hours=at), Decimal(2000 + at * 7 % 900) / 100)
        for at in range(int(period.hours))
    ]
    publish_index(hub, rows, vintage="final", final=True, actor=system, now=NOW)
    TouCalendar.objects.create(code="TOU", name="Tou", zone=ZONE, schedule=_schedule())
    points = [DeliveryPoint(campus=campus, code="GEN", name="Gen", kind="GENERATOR")]
    points += [
        DeliveryPoint(campus=campus, code=f"T{at:03d}", name=f"T{at}", kind="TENANT_LOAD")
        for at in range(count)
    ]
    DeliveryPoint.objects.bulk_create(points)
    channels = [
        Channel(delivery_point=one, code=f"{one.code}/KWH", minutes=minutes) for one in points
    ]
    Channel.objects.bulk_create(channels)
    contracts = _contracts(campus, seller, points[1:], count)
    pool = Pool.objects.create(campus=campus, code="losses", kind="LOSS", key="metered_use@1")
    PoolMember.objects.bulk_create(
        PoolMember(pool=pool, contract=one, first_date=FIRST) for one in contracts
    )
    _readings(channels, period, minutes)
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
    """Write active contracts in bulk, six terms each."""
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
        Tenant(code=f"t{at:03d}", name=f"T{at}", created_at=NOW) for at in range(count)
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
    ContractVersion.objects.update(state="ACTIVE", activated_at=NOW, activated_by="b")
    TenantPoint.objects.bulk_create(
        TenantPoint(contract=contract, tenant_id=contract.tenant_id, delivery_point=point,
                    valid=DateRange(FIRST, None))
        for contract, point in zip(contracts, points, strict=True)
    )  # fmt: skip
    return list(Contract.objects.select_related("tenant", "campus").order_by("pk"))


def _readings(channels, period, minutes: int) -> None:
    """Publish a month of final readings for every channel; losses are 1 %."""
    from meters.models import Publication
    from meters.services.publishing.publish import publish
    from meters.storage import Batch, epoch_day, write

    first = epoch_day(period.start_utc.date())
    days = epoch_day(period.end_utc.date()) - first + 1
    random = np.random.default_rng(7)
    loads = random.integers(900_000_000, 1_500_000_000, (len(channels) - 1, days, 1440 // minutes))
    generated = loads.sum(axis=0) * 101 // 100
    batch = Batch.empty(minutes, len(channels) * days)
    batch.channel_ids[:] = np.repeat([one.pk for one in channels], days)
    batch.days[:] = np.tile(np.arange(first, first + days), len(channels))
    batch.layers[:], batch.versions[:], batch.status[:] = 2, 1, 10
    batch.values[:] = np.concatenate([generated[None], loads]).reshape(len(batch), -1)
    with transaction.atomic():
        publication = Publication.objects.create(kind="VEE", actor="b", created_at=NOW)
        batch.publication_ids[:] = publication.pk
        batch.compute_digests()
        write(batch, NOW)
        publish(publication, NOW)


if __name__ == "__main__":
    main()
