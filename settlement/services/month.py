"""Settle a month as jobs: one allocation of the campus, then one job per contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contracts.models import Contract
from contracts.queries import contracts_of_campus
from meters.models import Campus
from poweroptix.accounts.models import User
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import Period
from settlement.calc.words import RECALCULATE
from settlement.models import AllocationRun
from settlement.services.allocation import CURRENT, not_over, run_allocation
from settlement.services.listeners import announce
from settlement.services.runs import refuse_unreasoned, run_settlement

ACTIVE = ("queued", "running")
#: Who calculates a period again because one before it was approved.
FOLLOWING = Actor.system("follow-up")
#: Contracts that are settled in one stage of a job; what they share is read once.
GROUP = 25


def settle_month(
    campus: Campus,
    label: str,
    *,
    kind: str = "FINAL",
    reason: str = "",
    now: datetime,
    actor: Actor,
) -> Job:
    """Queue the settlement of all contracts of a campus month; a running one is returned.

    Refused for a month that is not over, and for one in which no contract holds.
    """
    refuse_running(campus.zone, label, now)
    refuse_unreasoned(kind, reason)
    if not contracts_of_campus(campus, Period.month(campus.zone, label)).exists():
        text = f"No contract of {campus.code} holds in {label}; there is nothing to settle."
        raise Refused("settlement.no_contracts", text)
    payload = {"campus": campus.code, "period": label, "kind": kind, "reason": reason}
    return queue_once("settle_month", f"{campus.code}/{label}/{kind}", payload, now, actor)


def settle_contract(
    contract: Contract,
    label: str,
    *,
    kind: str = "FINAL",
    reason: str = "",
    now: datetime,
    actor: Actor,
) -> Job:
    """Queue the settlement of one contract's period; a running one is returned.

    Refused for a period that is not over.
    """
    refuse_running(contract.zone, label, now)
    refuse_unreasoned(kind, reason)
    payload = {"contract": contract.code, "period": label, "kind": kind, "reason": reason}
    return queue_once("settle_contract", f"{contract.code}/{label}/{kind}", payload, now, actor)


def recalculate_month(
    campus: Campus,
    label: str,
    *,
    contract: Contract | None = None,
    reason: str = "",
    now: datetime,
    actor: Actor,
) -> Job:
    """Queue one new split of a campus month and a run of every contract that it changes.

    An approved run whose contract keeps its energy stays; `contract` is calculated in any case.
    A job that is on its way already is returned. Refused without a reason, and for a month that
    is not over.
    """
    require(actor, "settlement.run")
    if not reason.strip():
        raise Refused("settlement.reason", "Say why the month is calculated again.")
    refuse_running(campus.zone, label, now)
    payload = {
        "campus": campus.code,
        "period": label,
        "reason": reason,
        "contract": contract.code if contract else "",
    }
    return queue_once(
        "recalculate_month",
        f"{campus.code}/{label}/{payload['contract'] or 'all'}",
        payload,
        now,
        actor,
    )


def refuse_running(zone: str, label: str, now: datetime) -> None:
    """Refuse a month that has no readings to its end yet."""
    period = Period.month(zone, label)
    if now < period.end_utc:
        raise Refused("settlement.period_not_over", not_over(period))


def queue_contract(contract: Contract, label: str, *, kind: str, reason: str) -> Job:
    """Queue a period again because a period before it was approved; once while it waits.

    The job calculates by right of the rule and nobody asked for it: the system is its author, and
    `reason` names the approval. Its key is apart from those of people, so that whoever asks for
    the same period by hand gets a job of their own.
    """
    prefix = f"follows/{contract.code}/{label}/{kind}"
    waiting = _waiting("settle_contract", prefix)
    if waiting is not None:
        return waiting
    number = Job.objects.filter(kind="settle_contract", key__startswith=f"{prefix}/").count()
    payload = {
        "contract": contract.code,
        "period": label,
        "kind": kind,
        "reason": reason,
        "follows": True,
    }
    return enqueue("settle_contract", f"{prefix}/{number + 1}", payload)


def replaced(allocation: AllocationRun) -> str:
    """Return the sentence about a split that is no longer the one that counts."""
    return (
        f"Version {allocation.version} of the allocation of {allocation.period} was "
        f"replaced meanwhile. {RECALCULATE}"
    )


def queue_once(kind: str, prefix: str, payload: dict[str, Any], now: datetime, actor: Actor) -> Job:
    """Queue a job for a person; one with the same beginning of its key that waits is returned."""
    waiting = _waiting(kind, prefix)
    if waiting is not None:
        return waiting
    key = f"{prefix}/{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    return enqueue(kind, key, payload, created_by=actor.user_id)


def _waiting(kind: str, prefix: str) -> Job | None:
    return Job.objects.filter(kind=kind, key__startswith=f"{prefix}/", state__in=ACTIVE).first()


def batched(codes: Sequence[str]) -> list[Sequence[str]]:
    """Return contracts in the groups in which a job settles them."""
    return [codes[at : at + GROUP] for at in range(0, len(codes), GROUP)]


def actor_of(context: Any) -> Actor:
    """Return the person who asked for a job, so that four eyes count people.

    Else the job; the system where the period follows from an approval.
    """
    if context.payload.get("follows"):
        return FOLLOWING
    if context.created_by_id is None:
        return context.actor
    return Actor.of_user(User.objects.get(pk=context.created_by_id))


def work_month(context: Any) -> None:
    """Do a settle_month job: allocate, then queue a job per contract. Two stages."""
    payload = context.payload
    campus = Campus.objects.get(code=payload["campus"])
    period = Period.month(campus.zone, payload["period"])
    allocation_id = context.saved.get("allocation_run")
    with context.stage(1, "Allocating energy", done=1, total=2) as todo:
        if todo:
            run = run_allocation(campus, period, now=context.now, actor=actor_of(context))
            announce(run)
            allocation_id = run.pk
            context.result({"allocation_run": allocation_id})
    with context.stage(2, "Queueing contracts", done=2, total=2) as todo:
        if todo:
            jobs = [
                _enqueue_child(contract, payload, allocation_id, context)
                for contract in contracts_of_campus(campus, period)
            ]
            context.result({"allocation_run": allocation_id, "jobs": [job.pk for job in jobs]})


def _enqueue_child(
    contract: Contract, payload: dict[str, Any], allocation_id: int, context: Any
) -> Job:
    return enqueue(
        "settle_contract",
        f"{contract.code}/{payload['period']}/{payload['kind']}/month-{context.job_id}",
        {**payload, "contract": contract.code, "allocation_run": allocation_id},
        created_by=context.created_by_id,
    )


def work_contract(context: Any) -> None:
    """Do a settle_contract job: allocate unless the month did, calculate, write. Two stages."""
    payload = context.payload
    contract = Contract.objects.select_related("campus", "tenant").get(code=payload["contract"])
    period = Period.month(contract.zone, payload["period"])
    actor = actor_of(context)
    allocation_id = context.saved.get("allocation_run") or payload.get("allocation_run")
    with context.stage(1, "Allocating energy", done=1, total=2) as todo:
        if todo:
            if allocation_id is None:
                run = run_allocation(contract.campus, period, now=context.now, actor=actor)
                announce(run)
                allocation_id = run.pk
            context.result({"allocation_run": allocation_id})
    with context.stage(2, "Calculating lines", done=2, total=2) as todo:
        if todo:
            allocation = AllocationRun.objects.get(pk=allocation_id)
            if allocation.state not in CURRENT:
                raise Conflict("settlement.allocation_superseded", replaced(allocation))
            run = run_settlement(
                contract,
                period,
                kind=payload["kind"],
                reason=payload.get("reason", ""),
                now=context.now,
                actor=actor,
                allocation=allocation,
            )
            total = None if run.total_usd is None else format(run.total_usd, "f")
            context.result(
                {"run": run.pk, "version": run.version, "total_usd": total,
                 "findings": len(run.findings)}
            )  # fmt: skip
