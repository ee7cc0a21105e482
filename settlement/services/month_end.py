"""Month-end over all contracts of all campuses: one job that can be killed and goes on.

Each campus is allocated in a stage of its own, then its contracts are settled in groups. A stage
and its checkpoint are one commit, so a job that is taken up again does nothing twice and leaves
nothing out. A contract that is refused is named with the reason and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from contracts.models import Contract
from contracts.queries import contracts_of_campus
from meters.models import Campus
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.jobs.models import Job
from poweroptix.kernel.errors import Conflict, DomainError, Refused
from poweroptix.kernel.period import Period
from settlement.models import AllocationRun, SettlementRun
from settlement.queries.shelf import Shelf
from settlement.services.allocation import CURRENT, run_allocation
from settlement.services.listeners import announce
from settlement.services.month import actor_of, batched, queue_once, refuse_running, replaced
from settlement.services.runs import calculate, refuse_unreasoned


def settle_everything(
    label: str, *, kind: str = "FINAL", reason: str = "", now: datetime, actor: Actor
) -> Job:
    """Queue the settlement of a month for all contracts of all campuses; a running one is returned.

    Refused without a campus, for a month that is not over everywhere, and for an ad hoc run without
    a reason.
    """
    require(actor, "settlement.run")
    refuse_unreasoned(kind, reason)
    campuses = list(Campus.objects.order_by("code"))
    if not campuses:
        raise Refused("settlement.no_campus", "There is no campus to settle.")
    for campus in campuses:
        refuse_running(campus.zone, label, now)
    payload = {
        "period": label,
        "kind": kind,
        "reason": reason,
        "campuses": [one.code for one in campuses],
    }
    return queue_once("month_end", f"{label}/{kind}", payload, now, actor)


def work_month_end(context: Any) -> None:
    """Do a month_end job: per campus one stage to allocate, then one per group of contracts."""
    saved = {"campuses": {}, "runs": [], "refused": [], **context.saved}
    number = 0
    for at, code in enumerate(context.payload["campuses"]):
        number += 1
        ahead = len(context.payload["campuses"]) - at - 1
        with context.stage(number, f"Allocating {code}", *_progress(saved, ahead)) as todo:
            if todo:
                saved = _allocated(code, saved, context)
                context.result(saved)
        groups = saved["campuses"][code]["groups"]
        for done, group in enumerate(groups, 1):
            number += 1
            label = f"Settling {code}, {done} of {len(groups)} groups"
            with context.stage(number, label, *_progress(saved, ahead, len(group))) as todo:
                if todo:
                    saved = _settled(code, group, saved, context)
                    context.result(saved)


def _progress(saved: dict[str, Any], ahead: int, more: int = 0) -> tuple[int, int]:
    """Return contracts done after this stage and contracts known; a campus ahead counts as one."""
    known = sum(len(one) for each in saved["campuses"].values() for one in each["groups"])
    done = len(saved["runs"]) + len(saved["refused"]) + more
    return done, max(known + ahead, done, 1)


def _allocated(code: str, saved: dict[str, Any], context: Any) -> dict[str, Any]:
    """Split the month of a campus and plan its groups; a refusal names the campus."""
    campus = Campus.objects.get(code=code)
    period = Period.month(campus.zone, context.payload["period"])
    codes = [one.code for one in contracts_of_campus(campus, period)]
    plan: dict[str, Any] = {"allocation_run": None, "groups": []}
    refused = []
    if codes:
        try:
            with transaction.atomic():
                run = run_allocation(campus, period, now=context.now, actor=actor_of(context))
                announce(run)
            plan = {"allocation_run": run.pk, "groups": batched(codes)}
        except DomainError as fault:
            refused = [{"contract": one, "message": fault.message} for one in codes]
    return {
        **saved,
        "campuses": {**saved["campuses"], code: plan},
        "refused": [*saved["refused"], *refused],
    }


def _settled(code: str, group: Sequence[str], saved: dict[str, Any], context: Any) -> dict:
    """Settle a group; where one of it is refused, each by itself, so that the others go on."""
    allocation = AllocationRun.objects.get(pk=saved["campuses"][code]["allocation_run"])
    rows = Contract.objects.select_related("campus", "tenant").filter(code__in=group)
    contracts = list(rows.order_by("code"))
    try:
        return {**saved, "runs": [*saved["runs"], *_together(contracts, allocation, context)]}
    except DomainError:
        runs, refused = [], []
    for contract in contracts:
        try:
            runs += _together([contract], allocation, context)
        except DomainError as fault:
            refused.append({"contract": contract.code, "message": fault.message})
    return {
        **saved,
        "runs": [*saved["runs"], *runs],
        "refused": [*saved["refused"], *refused],
    }


def _together(contracts: Sequence[Contract], allocation: AllocationRun, context: Any) -> list[int]:
    period = Period.month(contracts[0].campus.zone, context.payload["period"])
    if allocation.state not in CURRENT:
        raise Conflict("settlement.allocation_superseded", replaced(allocation))
    with transaction.atomic():
        runs: list[SettlementRun] = calculate(
            contracts,
            period,
            allocation,
            kind=context.payload["kind"],
            reason=context.payload["reason"],
            now=context.now,
            actor=actor_of(context),
            shelf=Shelf(),
        )
    return [run.pk for run in runs]
