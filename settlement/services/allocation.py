"""Allocate a campus month: read, split, write, and prove that it closes."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from contracts.models import Contract
from meters.models import Campus, Channel
from meters.services import close_checks
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.balance import Balance
from settlement.calc.campus import CampusOutcome, Part, allocate_campus
from settlement.calc.closing import refuse_open
from settlement.calc.plan import own_readings
from settlement.calc.words import stale
from settlement.models import AllocationRun, Correction, SettlementRun
from settlement.queries.campus import CampusReading, read_campus, same_reading
from settlement.queries.changes import changes_of
from settlement.queries.month import apart_from
from settlement.services.stock import queue_following
from settlement.storage import StoredPart, write_parts

CURRENT = ("CALCULATED", "APPROVED")


def lock(name: str, busy: str) -> None:
    """Take an advisory lock to the end of the transaction; Conflict when somebody has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict("settlement.busy", busy)


def current_allocation(campus: Campus, label: str) -> AllocationRun | None:
    """Return the allocation of a campus month that counts, if there is one."""
    return AllocationRun.objects.filter(campus=campus, period=label, state__in=CURRENT).first()


def run_allocation(campus: Campus, period: Period, *, now: datetime, actor: Actor) -> AllocationRun:
    """Split the month's energy among the contracts; the same inputs make no new version.

    A new version supersedes the one before, and queues the next month when that was split with
    another stock of a battery than this one hands on. Refused when the period is not over or pools
    contradict each other or sources do not close; Conflict while another process allocates the
    same month. The database refuses parts that do not add up in any interval, and sources that do
    not over the month.
    """
    require(actor, "settlement.allocate")
    if now < period.end_utc:
        raise Refused("settlement.period_not_over", not_over(period))
    _close_readings(campus, period, now)
    with transaction.atomic():
        lock(
            f"allocate:{campus.pk}/{period.label}",
            f"The allocation of {campus.code} {period.label} is already running.",
        )
        noted = _noted(campus, period)
        reading = read_campus(campus, period)
        current = current_allocation(campus, period.label)
        if current is not None and same_reading(reading.document, document_of(current)):
            _take_back(noted, current)
            return current
        outcome = allocate_campus(reading.inputs)
        refuse_open(outcome.parts)
        run = _write(campus, period, reading, outcome, now, actor)
        if current is not None:
            AllocationRun.objects.filter(pk=current.pk).update(state="SUPERSEDED")
        AllocationRun.objects.filter(pk=run.pk).update(state="CALCULATED")
        run.state = "CALCULATED"
        _take_back(noted, run)
        queue_following(run)
        record(
            "settlement.allocate",
            run,
            actor=actor,
            after={"version": run.version, "inputs_sha256": run.inputs_sha256},
        )
    return run


def _close_readings(campus: Campus, period: Period, now: datetime) -> None:
    """Let the rules judge the month of every channel as a whole, before its energy is split."""
    channels = Channel.objects.filter(delivery_point__campus=campus, is_active=True)
    ids = list(channels.values_list("pk", flat=True))
    close_checks(ids, period.label, now=now, actor=Actor.system("closing"))


def _noted(campus: Campus, period: Period) -> list[tuple[int, int, int]]:
    """Return (row, publication, run) of the corrections that approved runs of the month wait for.

    Asked before the readings are read, so that nothing is taken back which was not read. Changed
    prices are none of an allocation's business.
    """
    rows = Correction.objects.filter(
        run__contract__campus=campus,
        run__period=period.label,
        run__state__in=SettlementRun.SETTLED,
        scope__in=(Correction.Scope.OWN, Correction.Scope.SHARED),
    )
    return list(rows.values_list("pk", "publication_id", "run_id"))


def _take_back(noted: list[tuple[int, int, int]], allocation: AllocationRun) -> None:
    """Remove corrections of runs whose contracts get the same energy from the new readings."""
    apart = {run.pk for run in apart_from(allocation)} if noted else set()
    for pk, publication_id, run_id in noted:
        if run_id not in apart:
            Correction.objects.filter(pk=pk, publication_id=publication_id).delete()


def not_over(period: Period) -> str:
    """Return the sentence about a period that still runs."""
    return f"The period {period.label} is not over; it ends {period.end_utc:%Y-%m-%d %H:%M} UTC."


def changed_since(run: AllocationRun) -> str:
    """Return in words what changed since the run read it; empty when nothing did."""
    period = Period(run.start_utc, run.end_utc, run.campus.zone, run.period)
    then, now = document_of(run), read_campus(run.campus, period).document
    if same_reading(then, now):
        return ""
    digests = now["digests"]
    channels = [int(pk) for pk, one in then["digests"].items() if digests.get(pk) != one]
    if not channels:
        stock = then.get("carry_in") != now.get("carry_in")
        return stale("The stock of a battery" if stock else "Points, pools or loss factors")
    changes = changes_of(then, channels, period.start_utc, period.end_utc)
    count = sum(change.interval_count for change in changes.values())
    if not count:
        return stale("The quality of readings")
    return stale(f"{count} readings" if count > 1 else "1 reading")


def document_of(run: AllocationRun) -> dict[str, Any]:
    """Return the frozen document of an allocation run."""
    return json.loads(bytes(run.inputs))


def _write(
    campus: Campus,
    period: Period,
    reading: CampusReading,
    outcome: CampusOutcome,
    now: datetime,
    actor: Actor,
) -> AllocationRun:
    last = AllocationRun.objects.filter(campus=campus, period=period.label).first()
    minutes = max((part.series.grid.minutes for part in outcome.parts), default=15)
    run = AllocationRun.objects.create(
        campus=campus,
        period=period.label,
        start_utc=period.start_utc,
        end_utc=period.end_utc,
        version=1 if last is None else last.version + 1,
        minutes=minutes,
        inputs=reading.content,
        inputs_sha256=reading.sha256,
        balance=_balance_json(outcome.balance),
        worksheets={code: sheet.to_json() for code, sheet in outcome.worksheets.items()},
        findings=[finding.to_json() for finding in outcome.findings],
        carry_out=outcome.carry_out,
        created_by=str(actor),
        created_at=now,
    )
    contracts = {
        code: (pk, tenant)
        for code, pk, tenant in Contract.objects.filter(campus=campus).values_list(
            "code", "pk", "tenant_id"
        )
    }
    claims = {
        code: digest_of([figure.to_json() for figure in sheet.figures])
        for code, sheet in outcome.worksheets.items()
    }
    own = own_readings(reading.document)
    write_parts(run.pk, [_stored(part, contracts, outcome, own, claims) for part in outcome.parts])
    return run


def _stored(
    part: Part,
    contracts: dict[str, tuple[int, int]],
    outcome: CampusOutcome,
    own: dict[str, dict[str, Any]],
    claims: dict[str, str],
) -> StoredPart:
    contract_id, tenant_id = contracts.get(part.contract, (None, None))
    known = part.series.missing_count == 0
    sheet = outcome.worksheets.get(part.pool_code)
    if part.kind == "METERED":
        worksheet = own[part.contract]
    elif sheet is None or not part.contract:
        worksheet = {}
    else:
        worksheet = _own_view(part, sheet, claims[part.pool_code])
    return StoredPart(
        kind=part.kind,
        pool_code=part.pool_code,
        contract_id=contract_id,
        tenant_id=tenant_id,
        series=part.series,
        digest=part.series.digest(),
        total_kwh=part.series.total() if known else None,
        worksheet=worksheet,
    )


def _own_view(part: Part, sheet: Worksheet, claims_sha256: str) -> dict[str, Any]:
    """Return what a tenant may see of a pool: own part, the whole, own share, a digest of claims.

    Never another tenant's figures; the digest proves that everybody was shown the same claims.
    """
    whole = sheet.figures[0].value
    own = part.series.total_present()
    share = own / whole if whole else Decimal(0)
    return {
        "pool": part.pool_code,
        "title": sheet.title,
        "whole": format(whole, "f"),
        "own": format(own, "f"),
        "share_ratio": format(share, ".6f"),
        "unit": part.series.unit,
        "claims_sha256": claims_sha256,
    }


def _balance_json(balance: Balance | None) -> dict[str, Any]:
    if balance is None:
        return {}
    return {
        "residual_kwh": format(balance.residual.total_present(), "f"),
        "missing_count": balance.residual.missing_count,
        "days": [day.to_json() for day in balance.days],
    }
