"""Calculate settlement runs: read, settle, write; one transaction, one version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from contracts.models import Contract
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import Period
from settlement.calc.settle import Outcome, SettledLine, estimated_ratio, settle
from settlement.models import AllocationRun, Correction, Line, SettlementRun
from settlement.queries.contract import ContractReading, read_contract
from settlement.queries.shelf import Shelf
from settlement.services.allocation import not_over, run_allocation
from settlement.services.readiness import Gate, to_json


def run_settlement(
    contract: Contract,
    period: Period,
    *,
    kind: str = "FINAL",
    reason: str = "",
    now: datetime,
    actor: Actor,
    allocation: AllocationRun | None = None,
) -> SettlementRun:
    """Settle one contract's period; the campus is allocated first unless a run is given.

    The same inputs give the run that exists already. A missing reading or price leaves the amount
    of its line empty; such a run cannot be approved. Refused when the period is not over or the
    contract has no version or no energy; Conflict while the same period is being calculated.
    """
    require(actor, "settlement.run")
    if allocation is None:
        allocation = run_allocation(contract.campus, period, now=now, actor=actor)
    [run] = calculate(
        [contract], period, allocation, kind=kind, reason=reason, now=now, actor=actor
    )
    return run


def calculate(
    contracts: Sequence[Contract],
    period: Period,
    allocation: AllocationRun,
    *,
    kind: str,
    reason: str = "",
    now: datetime,
    actor: Actor,
    shelf: Shelf | None = None,
) -> list[SettlementRun]:
    """Settle several contracts of one campus month in one transaction, in their order.

    What they share (prices, calendars, findings) is read once. Nothing is written unless all
    succeed.
    """
    require(actor, "settlement.run")
    if now < period.end_utc:
        raise Refused("settlement.period_not_over", not_over(period))
    if kind == "AD_HOC" and not reason:
        raise Refused("settlement.reason", "An ad hoc run needs a reason.")
    shelf = shelf or Shelf()
    with transaction.atomic():
        _lock(contracts, period)
        shelf.fill(contracts, period, allocation)
        gate = Gate(allocation)
        latest = _latest(contracts, period)
        written = []
        for contract in contracts:
            reading = read_contract(contract, period, allocation, shelf)
            content, sha256 = reading.inputs.frozen()
            before = latest.get(contract.pk)
            if before is not None and _same(before, sha256, kind):
                written.append(before)
                continue
            outcome = settle(reading.inputs)
            findings = [*gate.of(contract, reading.inputs, shelf), *outcome.findings]
            draft = _Draft(contract, allocation, reading, outcome, content, sha256, before)
            written.append(_write(draft, findings, kind, reason, now, actor))
    return written


def _lock(contracts: Sequence[Contract], period: Period) -> None:
    """Lock each contract's period to the end of the transaction, in the order of ids."""
    names = [f"settle:{one.pk}/{period.label}" for one in sorted(contracts, key=lambda c: c.pk)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name"
            " WHERE NOT pg_try_advisory_xact_lock(hashtextextended(name, 0))",
            [names],
        )
        busy = cursor.fetchone()
    if busy is not None:
        text = f"{busy[0].removeprefix('settle:')} is already being calculated."
        raise Conflict("settlement.busy", text)


def _latest(contracts: Sequence[Contract], period: Period) -> dict[int, SettlementRun]:
    """Return the newest run of each contract's period."""
    newest = (
        SettlementRun.objects.filter(contract__in=contracts, period=period.label)
        .values("contract")
        .annotate(top=Max("version"))
        .values_list("contract", "top")
    )
    versions = dict(newest)
    rows = SettlementRun.objects.filter(
        contract__in=list(versions), period=period.label, version__in=set(versions.values())
    )
    return {run.contract_id: run for run in rows if run.version == versions[run.contract_id]}


def _same(run: SettlementRun, sha256: str, kind: str) -> bool:
    """Say whether a run already holds these inputs and still counts."""
    return run.inputs_sha256 == sha256 and run.kind == kind and (run.is_open or run.is_settled)


@dataclass(frozen=True)
class _Draft:
    """A settled contract on its way into the tables."""

    contract: Contract
    allocation: AllocationRun
    reading: ContractReading
    outcome: Outcome
    content: bytes
    sha256: str
    before: SettlementRun | None


def _write(
    draft: _Draft,
    findings: Sequence[Finding],
    kind: str,
    reason: str,
    now: datetime,
    actor: Actor,
) -> SettlementRun:
    """Write the run with its lines and let the database prove the total."""
    before, inputs = draft.before, draft.reading.inputs
    if before is not None and before.is_open:
        SettlementRun.objects.filter(pk=before.pk).update(state="SUPERSEDED")
    digests = [digest_of(line.document()) for line in draft.outcome.lines]
    run = SettlementRun.objects.create(
        contract=draft.contract,
        tenant_id=draft.contract.tenant_id,
        period=inputs.period.label,
        start_utc=inputs.period.start_utc,
        end_utc=inputs.period.end_utc,
        version=1 if before is None else before.version + 1,
        kind=kind,
        reason=reason,
        currency=inputs.currency,
        supersedes=before,
        allocation_run=draft.allocation,
        inputs=draft.content,
        inputs_sha256=draft.sha256,
        lines_sha256=digest_of(digests),
        carry_in_run=draft.reading.carry_in_run,
        carry_out=draft.outcome.carry_out,
        adjustments=list(inputs.adjustments),
        total_usd=draft.outcome.total_usd,
        estimated_ratio=estimated_ratio(inputs.series["delivered"]),
        findings=to_json(findings),
        created_by=str(actor),
        created_at=now,
    )
    Line.objects.bulk_create(
        _row(run, line, digest) for line, digest in zip(draft.outcome.lines, digests, strict=True)
    )
    SettlementRun.objects.filter(pk=run.pk).update(state="CALCULATED")
    run.state = "CALCULATED"
    _clear_corrections(run)
    record(
        "settlement.calculate",
        run,
        actor=actor,
        reason=reason,
        after={"version": run.version, "kind": kind, "total_usd": run.total_usd},
    )
    return run


def _row(run: SettlementRun, line: SettledLine, digest: str) -> Line:
    return Line(
        run=run,
        tenant_id=run.tenant_id,
        position=line.position,
        line_code=line.line_code,
        term_id=line.term_id,
        charge_type=line.charge_type,
        label=line.label,
        clause=line.clause,
        first_date=line.first_date,
        last_date=line.last_date,
        quantity=line.quantity,
        unit=line.unit,
        rate=line.rate,
        rate_text=line.rate_text,
        exact_usd=line.exact_usd,
        amount_usd=line.amount_usd,
        estimated_ratio=line.estimated_ratio,
        worksheet=line.worksheet.to_json(),
        corrects_run_id=line.corrects_run,
        corrects_period=line.corrects_period,
        sha256=digest,
    )


def _clear_corrections(run: SettlementRun) -> None:
    """Mark the corrections that this run has read: those of its period's earlier runs."""
    Correction.objects.filter(
        run__contract=run.contract_id,
        run__period=run.period,
        cleared_by__isnull=True,
        created_at__lte=run.allocation_run.created_at,
    ).update(cleared_by=run)
