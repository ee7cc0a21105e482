"""Calculate settlement runs: read, settle, write; one transaction, one version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from contracts.models import Contract
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record_each
from poweroptix.kernel.canonical import canonical_json, digest_of, sha256
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import Period
from settlement.calc.inputs import same_inputs
from settlement.calc.settle import Outcome, SettledLine, estimated_ratio, settle
from settlement.models import AllocationRun, SettlementRun
from settlement.queries.contract import ContractReading, read_contract
from settlement.queries.shelf import Shelf
from settlement.services.allocation import not_over, run_allocation
from settlement.services.money import divide_month
from settlement.services.readiness import Gate, to_json
from settlement.services.window import refuse_closed, refuse_preliminary
from settlement.storage import StoredLine, write_lines

#: Kinds that differ only in why they were asked for.
SAME_COMPUTATION = ("FINAL", "TRUE_UP")


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
    takes_over: bool = False,
    shelf: Shelf | None = None,
) -> list[SettlementRun]:
    """Settle several contracts of one campus month in one transaction, in their order.

    What they share (prices, calendars, findings) is read once. Nothing is written unless all
    succeed. `takes_over` makes a new version of an open run of another author as well, though its
    inputs are the same: whoever calculates it again answers for it from then on.
    """
    require(actor, "settlement.run")
    if now < period.end_utc:
        raise Refused("settlement.period_not_over", not_over(period))
    refuse_unreasoned(kind, reason)
    if kind == SettlementRun.Kind.TRUE_UP:
        refuse_closed(contracts, period, now)
    if kind == SettlementRun.Kind.PRELIMINARY:
        refuse_preliminary(contracts, period)
    shelf = shelf or Shelf()
    with transaction.atomic():
        _lock(contracts, period)
        divide_month(allocation.campus, period, now=now, actor=actor, allocation=allocation)
        shelf.fill(contracts, period, allocation)
        gate = Gate(allocation)
        latest = _latest(contracts, period)
        runs: dict[int, SettlementRun] = {}
        drafts = []
        for contract in contracts:
            reading = read_contract(contract, period, allocation, shelf)
            content, sha256 = reading.inputs.frozen()
            before = latest.get(contract.pk)
            taken = takes_over and before is not None and _is_others(before, actor)
            if before is not None and _same(before, content, sha256, kind) and not taken:
                runs[contract.pk] = before
                continue
            outcome = settle(reading.inputs)
            findings = [*gate.of(contract, reading.inputs, shelf), *outcome.findings]
            drafts.append(
                _Draft(contract, allocation, reading, outcome, content, sha256, before, findings)
            )
        runs |= {run.contract_id: run for run in _write(drafts, kind, reason, now, actor)}
    return [runs[contract.pk] for contract in contracts]


def refuse_unreasoned(kind: str, reason: str) -> None:
    """Refuse an ad hoc run of which nobody said why it is made."""
    if kind == SettlementRun.Kind.AD_HOC and not reason.strip():
        raise Refused("settlement.reason", "An ad hoc run needs a reason.")


def _lock(contracts: Sequence[Contract], period: Period) -> None:
    """Lock each contract's period to the end of the transaction, in the order of ids."""
    named = {f"settle:{one.pk}/{period.label}": one.code for one in contracts}
    ordered = [f"settle:{pk}/{period.label}" for pk in sorted(one.pk for one in contracts)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) AS name"
            " WHERE NOT pg_try_advisory_xact_lock(hashtextextended(name, 0))",
            [ordered],
        )
        busy = cursor.fetchone()
    if busy is not None:
        text = f"{named[busy[0]]} {period.label} is already being calculated."
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


def _same(run: SettlementRun, content: bytes, sha256: str, kind: str) -> bool:
    """Say whether a run already holds these inputs and still counts."""
    alike = run.kind == kind or {run.kind, kind} <= set(SAME_COMPUTATION)
    if not alike or not (run.is_open or run.is_settled):
        return False
    return run.inputs_sha256 == sha256 or same_inputs(bytes(run.inputs), content)


def _is_others(run: SettlementRun, author: Actor) -> bool:
    """Say whether an open run has another author."""
    return run.is_open and run.created_by != str(author)


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
    findings: Sequence[Finding]


def _write(
    drafts: Sequence[_Draft], kind: str, reason: str, now: datetime, author: Actor
) -> list[SettlementRun]:
    """Write runs with their lines and let the database prove every total."""
    replaced = [d.before.pk for d in drafts if d.before is not None and d.before.is_open]
    if replaced:
        SettlementRun.objects.filter(pk__in=replaced).update(state="SUPERSEDED")
    common = {"kind": kind, "reason": reason, "created_by": str(author), "created_at": now}
    printed = [
        [canonical_json(line.document()) for line in draft.outcome.lines] for draft in drafts
    ]
    runs = SettlementRun.objects.bulk_create(
        _run(draft, digest_of([sha256(content) for content in own]), common)
        for draft, own in zip(drafts, printed, strict=True)
    )
    write_lines(
        [
            _stored(line, content, run)
            for run, draft, own in zip(runs, drafts, printed, strict=True)
            for line, content in zip(draft.outcome.lines, own, strict=True)
        ]
    )
    SettlementRun.objects.filter(pk__in=[run.pk for run in runs]).update(state="CALCULATED")
    for run in runs:
        run.state = "CALCULATED"
    told = (
        (run, {"version": run.version, "kind": kind, "total_usd": run.total_usd}) for run in runs
    )
    record_each("settlement.calculate", told, actor=author, reason=reason)
    return runs


def _run(draft: _Draft, lines_sha256: str, common: dict[str, Any]) -> SettlementRun:
    before, inputs = draft.before, draft.reading.inputs
    return SettlementRun(
        contract=draft.contract,
        tenant_id=draft.contract.tenant_id,
        period=inputs.period.label,
        start_utc=inputs.period.start_utc,
        end_utc=inputs.period.end_utc,
        version=1 if before is None else before.version + 1,
        currency=inputs.currency,
        supersedes=before,
        allocation_run=draft.allocation,
        inputs=draft.content,
        inputs_sha256=draft.sha256,
        lines_sha256=lines_sha256,
        carry_in_run=draft.reading.carry_in_run,
        carry_out=draft.outcome.carry_out,
        adjustments=list(inputs.adjustments),
        total_usd=draft.outcome.total_usd,
        estimated_ratio=estimated_ratio(inputs.series["delivered"]),
        findings=to_json(draft.findings),
        **common,
    )


def _stored(line: SettledLine, content: bytes, run: SettlementRun) -> StoredLine:
    beside = {
        "run_id": run.pk,
        "tenant_id": run.tenant_id,
        "corrects_run_id": line.corrects_run,
        "rate": None if line.rate is None else format(line.rate, "f"),
        "sha256": sha256(content),
    }
    return StoredLine(content, beside)
