"""A small campus with generation, tenants, contracts and published readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from django.db import transaction

from contracts.models import Contract, Party
from contracts.services import (
    activate_version,
    add_example,
    add_term,
    assign_point,
    create_contract,
    new_version,
)
from meters.models import Campus, Channel, DeliveryPoint, Publication
from meters.services.publishing.publish import publish
from meters.storage import Batch, epoch_day, load, write
from poweroptix.accounts.models import Tenant, User
from poweroptix.audit.actor import Actor
from poweroptix.kernel.fixed import MISSING, micro
from poweroptix.kernel.period import Period
from settlement.models import Pool, PoolMember

ZONE = "America/Chicago"
MARCH = Period.month(ZONE, "2026-03")
NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
SYSTEM = Actor.system("test")
FIRST_DAY = date(2026, 1, 1)
ENERGY = {"key": "fixed_energy@1", "code": 10, "label": "Energy", "parameters": {"price": "50"}}


def person(name: str, role: str) -> Actor:
    """Return a staff member as actor."""
    user = User.objects.create_user(username=name, password="x", role=role)
    return Actor.of_user(user)


def campus_with(*, low: str = "-0.002", high: str = "0.025") -> Campus:
    return Campus.objects.create(
        code="CAP",
        name="Caprock",
        zone=ZONE,
        balance_tolerance_low_ratio=low,
        balance_tolerance_high_ratio=high,
    )


def point(campus: Campus, code: str, kind: str, *, minutes: int = 15, direction="DELIVERED"):
    """Return the energy channel of a new delivery point."""
    place, _ = DeliveryPoint.objects.get_or_create(
        campus=campus, code=code, defaults={"name": code, "kind": kind}
    )
    return Channel.objects.create(
        delivery_point=place,
        code=f"{code}/{direction[:3]}_KWH",
        minutes=minutes,
        direction=direction,
    )


def readings(
    channel: Channel,
    kwh,
    *,
    period: Period = MARCH,
    now: datetime = NOW - timedelta(days=1),
    status: int = 10,
    layer: int = 2,
) -> Publication:
    """Publish final readings: one number for every interval, or a list with None for missing."""
    first = epoch_day(period.start_utc.date())
    last = epoch_day((period.end_utc - timedelta(minutes=1)).date())
    days = last - first + 1
    values, statuses = _newest(channel, first, days, layer)
    begin = (period.start_utc.hour * 60 + period.start_utc.minute) // channel.minutes
    count = period.grid(channel.minutes).count
    numbers = list(kwh) if isinstance(kwh, list | tuple) else [kwh] * count
    flat = [MISSING if one is None else micro(Decimal(str(one))) for one in numbers]
    values.reshape(-1)[begin : begin + count] = flat
    batch = Batch.empty(channel.minutes, days)
    batch.channel_ids[:], batch.layers[:] = channel.pk, layer
    batch.days[:] = np.arange(first, last + 1)
    batch.values[:] = values
    statuses.reshape(-1)[begin : begin + count] = status
    batch.status[:] = np.where(values == MISSING, 100, statuses)
    batch.method[:] = np.where(batch.status == 60, 5, 0)
    with transaction.atomic():
        publication = Publication.objects.create(kind="VEE", actor="system:test", created_at=now)
        batch.publication_ids[:] = publication.pk
        batch.versions[:] = _next_versions(channel, first, last, layer)
        batch.compute_digests()
        write(batch, now)
        publish(publication, now)
    return publication


def _newest(channel: Channel, first: int, days: int, layer: int):
    """Return what the days hold so far: the edge days of a month belong to two months."""
    values = np.full((days, 1440 // channel.minutes), MISSING, np.int64)
    status = np.full(values.shape, 100, np.uint8)
    for batch in load([channel.pk], first, first + days - 1, layers=[layer]):
        values[batch.days - first], status[batch.days - first] = batch.values, batch.status
    return values, status


def _next_versions(channel: Channel, first: int, last: int, layer: int) -> np.ndarray:
    versions = np.ones(last - first + 1, np.int32)
    for batch in load([channel.pk], first, last, layers=[layer]):
        np.maximum.at(versions, batch.days - first, batch.versions + 1)
    return versions


def party(code: str, tenant: Tenant | None = None) -> Party:
    return Party.objects.get_or_create(
        code=code,
        defaults={
            "name": code,
            "legal_name": f"{code} LLC",
            "role": "TENANT" if tenant else "SELLER",
            "tenant": tenant,
        },
    )[0]


def contract(
    campus: Campus, code: str, *, terms=(ENERGY,), example=None, first_day=FIRST_DAY
) -> Contract:
    """Return an active contract of a new tenant; the example is worked out from its own terms."""
    tenant = Tenant.objects.create(code=code.lower(), name=code, created_at=NOW)
    made = create_contract(
        code=f"PPA-{code}",
        name=code,
        seller=party("SELLER"),
        offtaker=party(code, tenant),
        campus=campus,
        zone=ZONE,
        actor=SYSTEM,
    )
    version = new_version(made, first_day=first_day, note="first", actor=SYSTEM, now=NOW)
    for term in terms:
        add_term(
            version,
            line_code=term["code"],
            charge_type_key=term["key"],
            label=term["label"],
            parameters=term["parameters"],
            quantity_name=term.get("quantity", "delivered"),
            clause_number=term.get("clause", "4.1"),
            actor=SYSTEM,
        )
    inputs, expected = example or (
        {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}},
        {"10": "148600.00"},
    )
    add_example(version, name="March", inputs=inputs, expected=expected, actor=SYSTEM)
    activate_version(version, actor=SYSTEM, now=NOW)
    return made


def serve(agreement: Contract, channel: Channel, *, first_day=FIRST_DAY, share_ratio="1"):
    assign_point(
        agreement,
        channel.delivery_point,
        first_day=first_day,
        share_ratio=share_ratio,
        actor=SYSTEM,
    )


def loss_pool(campus: Campus, *members: Contract, key="metered_use@1", **parameters) -> Pool:
    pool = Pool.objects.create(
        campus=campus, code="losses", kind="LOSS", key=key, parameters=parameters
    )
    for member in members:
        PoolMember.objects.create(pool=pool, contract=member, first_date=FIRST_DAY)
    return pool


class World:
    """Two tenants of 60 and 40 kWh a quarter-hour, a generator of 101: 1 % losses."""

    def __init__(self, *, read: bool = True, terms=(ENERGY,), example=None) -> None:
        self.campus = campus_with()
        self.gen = point(self.campus, "GEN", "GENERATOR")
        self.alfa_meter = point(self.campus, "TEN-ALFA", "TENANT_LOAD")
        self.bravo_meter = point(self.campus, "TEN-BRAVO", "TENANT_LOAD")
        self.alfa = contract(self.campus, "ALFA", terms=terms, example=example)
        self.bravo = contract(self.campus, "BRAVO")
        serve(self.alfa, self.alfa_meter)
        serve(self.bravo, self.bravo_meter)
        self.pool = loss_pool(self.campus, self.alfa, self.bravo)
        self.analyst = person("ana", "analyst")
        self.approver = person("bob", "approver")
        if read:
            self.read()

    def read(self, period: Period = MARCH, **more) -> None:
        for channel, kwh in ((self.gen, 101), (self.alfa_meter, 60), (self.bravo_meter, 40)):
            readings(channel, kwh, period=period, now=period.end_utc, **more)
