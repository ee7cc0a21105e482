"""A campus with one engine and two tenants, and one month from files to issued invoices."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from billing.models import Invoice
from billing.services import draft_invoice, issue_invoice
from contracts.models import Contract, IndexSeries
from contracts.services import publish_index
from esg.services import account_carbon, load_factors
from meters.models import Campus, Channel, ImportFile
from meters.services import ingest_file, receive_file, validate_days
from poweroptix.accounts.models import Tenant, User
from poweroptix.accounts.services import create_token, create_user
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.period import Period
from poweroptix.portfolio.document import read_document
from poweroptix.portfolio.services import apply_document
from settlement.services import approve_run, run_allocation, run_settlement

ZONE = "America/Chicago"
MARCH = Period.month(ZONE, "2026-03")
NOW = datetime(2026, 4, 3, 15, tzinfo=UTC)
SYSTEM = Actor.system("test")
PASSWORD = "correct horse battery staple"
HEAD = "meter_id,channel,interval_start,interval_seconds,value,unit,status"


@dataclass
class CampusWorld:
    """What the factory built; `invoices` and `runs` are by contract code."""

    campus: Campus
    people: dict[str, User] = field(default_factory=dict)
    runs: dict = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)

    def tenant(self, code: str) -> Tenant:
        """Return a tenant by code."""
        return Tenant.objects.get(code=code)

    def actor(self, name: str) -> Actor:
        """Return a person as actor."""
        return Actor.of_user(self.people[name])

    def token(self, *scopes: str, tenant: str = "", by: str = "") -> str:
        """Return the key of a new token."""
        owner = self.people[by or ("alfa" if tenant == "alfa" else tenant or "administrator")]
        _, key = create_token(
            f"{tenant or 'staff'} token",
            scopes=list(scopes),
            created_by=owner,
            tenant=self.tenant(tenant) if tenant else None,
            now=now(),
            actor=SYSTEM,
        )
        return key


def build_campus(*, issue: bool = True) -> CampusWorld:
    """Build the campus and settle March 2026; with `issue` both invoices are issued."""
    document = read_document(Path(__file__).with_name("campus.yaml"))
    apply_document(document, actor=SYSTEM, now=datetime(2026, 2, 20, tzinfo=UTC))
    world = CampusWorld(Campus.objects.get(code="MESA"))
    _people(world)
    load_factors(now=NOW, actor=SYSTEM)
    _prices()
    deliver("march.csv", march_file(), now=NOW - timedelta(days=1))
    _judge()
    settle(world, issue=issue)
    return world


def deliver(name: str, content: bytes, *, now: datetime, source: str = "plant") -> ImportFile:
    """Receive and read one file."""
    file = receive_file(
        io.BytesIO(content), name=name, source=source, profile_code="plant-csv",
        now=now, actor=SYSTEM,
    )  # fmt: skip
    ingest_file(file.pk, now=now, actor=SYSTEM)
    return file


def settle(world: CampusWorld, *, issue: bool = True, now: datetime = NOW) -> None:
    """Allocate, account carbon, settle, approve by a second person, and issue."""
    analyst, approver, billing = (world.actor(n) for n in ("analyst", "approver", "billing"))
    allocation = run_allocation(world.campus, MARCH, now=now, actor=analyst)
    account_carbon(allocation, now=now, actor=analyst)
    for contract in Contract.objects.filter(campus=world.campus).order_by("code"):
        run = run_settlement(contract, MARCH, now=now, actor=analyst, allocation=allocation)
        world.runs[contract.code] = run
        if issue:
            run = approve_run(run, actor=approver, now=now + timedelta(minutes=5))
            draft = draft_invoice(run, actor=billing, now=now + timedelta(minutes=6))
            world.invoices[contract.code] = issue_invoice(
                draft, actor=billing, now=now + timedelta(minutes=7)
            )


def march_file(alfa_kwh: str = "2000", bravo_kwh: str = "1500") -> bytes:
    """Return all readings of March; loads wave over the day, the engine covers them and 1 %."""
    rows = [HEAD]
    start = MARCH.start_utc
    for index in range(MARCH.grid(15).count):
        stamp = f"{start:%Y-%m-%dT%H:%M:%SZ}"
        wave = Decimal((index * 37) % 400) / 10
        alfa, bravo = Decimal(alfa_kwh) + wave, Decimal(bravo_kwh) + wave / 2
        engine = (alfa + bravo) * Decimal("1.01")
        rows += [
            f"HALL-A,DEL_KWH,{stamp},900,{alfa:.3f},kWh,A",
            f"HALL-B,DEL_KWH,{stamp},900,{bravo:.3f},kWh,A",
            f"GEN-1,DEL_KWH,{stamp},900,{engine:.3f},kWh,A",
        ]
        if index % 4 == 0:
            rows.append(f"FUEL-1,DEL_MMBTU,{stamp},3600,{engine * 36 / 1000:.3f},MMBtu,A")
        start += timedelta(minutes=15)
    return "\n".join([*rows, ""]).encode()


def _people(world: CampusWorld) -> None:
    for role in (
        "viewer",
        "operator",
        "analyst",
        "approver",
        "billing",
        "administrator",
        "auditor",
    ):
        world.people[role] = create_user(
            role, PASSWORD, role=role, actor=SYSTEM, check_password=False
        )
    for code in ("alfa", "bravo"):
        world.people[code] = create_user(
            code, PASSWORD, role="owner", tenant=world.tenant(code), actor=SYSTEM,
            check_password=False,
        )  # fmt: skip


def _prices() -> None:
    grid = MARCH.grid(60)
    rows = [(grid.start_of(i), Decimal(20 + (i * 7) % 31)) for i in range(grid.count)]
    publish_index(
        IndexSeries.objects.get(code="hub"), rows, vintage="final", final=True, actor=SYSTEM,
        now=NOW,
    )  # fmt: skip


def _judge() -> None:
    channels = list(Channel.objects.values_list("pk", flat=True))
    validate_days(channels, MARCH.first_date, MARCH.last_date, now=NOW, actor=SYSTEM)
