"""Review: submit, approve by a second person, reject; and the mark that billing sets."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import Period
from settlement.models import AllocationRun, SettlementRun
from settlement.services.judgement import Judge, held, refuse_apart, state_text


def submit_run(run: SettlementRun, *, actor: Actor, now: datetime) -> SettlementRun:
    """Hand a calculated run to the reviewers. Conflict unless it is CALCULATED."""
    require(actor, "settlement.submit")
    with transaction.atomic():
        run = held(run)
        if run.state != "CALCULATED":
            raise Conflict("settlement.state", state_text(run, "submitted"))
        run.state, run.submitted_by, run.submitted_at = "REVIEW", str(actor), now
        run.save(update_fields=["state", "submitted_by", "submitted_at"])
        record("settlement.submit", run, actor=actor)
    return run


def approve_run(
    run: SettlementRun, *, actor: Actor, now: datetime, comment: str = ""
) -> SettlementRun:
    """Approve one run: a second person, complete amounts, inputs still as they were, gate clear.

    The run takes the place of an earlier approved one of the period. Forbidden for whoever
    calculated it or changed its inputs; Conflict when it was decided meanwhile or is stale;
    Refused with findings when something is missing, and when approved runs of other contracts
    would keep the energy of an older allocation (`approve_together` replaces those as well). Of
    two people at once, one succeeds.
    """
    require(actor, "settlement.approve")
    with transaction.atomic():
        run = held(run)
        Judge(actor, now).check(run)
        refuse_apart(run, alone=True)
        _approve(run, actor, now, comment)
    return run


def approve_together(
    run: SettlementRun, *, actor: Actor, now: datetime, comment: str = ""
) -> list[SettlementRun]:
    """Approve a run and those that have to be replaced with it, all or none.

    When a month is split anew, every contract whose energy changed needs its new run in the same
    act, or the approved kWh of the campus would not add up. Each run is judged like a single one.
    """
    require(actor, "settlement.approve")
    with transaction.atomic():
        run = held(run)
        judge = Judge(actor, now)
        judge.check(run)
        others = [held(one) for one in refuse_apart(run)]
        judge.check_all(others)
        runs = [run, *others]
        for one in runs:
            _approve(one, actor, now, comment)
    return runs


def _approve(run: SettlementRun, actor: Actor, now: datetime, comment: str) -> None:
    """Write the approval of a run that was judged, and put it in the place of the one before."""
    settled = SettlementRun.objects.filter(
        contract=run.contract_id, period=run.period, state__in=SettlementRun.SETTLED
    )
    settled.update(state="SUPERSEDED")
    run.state, run.approved_by, run.approved_at = "APPROVED", str(actor), now
    run.decision_comment = comment
    run.save(update_fields=["state", "approved_by", "approved_at", "decision_comment"])
    AllocationRun.objects.filter(pk=run.allocation_run_id, state="CALCULATED").update(
        state="APPROVED"
    )
    record(
        "settlement.approve",
        run,
        actor=actor,
        reason=comment,
        after={"total_usd": run.total_usd, "inputs_sha256": run.inputs_sha256},
    )
    _queue_next(run)


def reject_run(run: SettlementRun, *, actor: Actor, now: datetime, reason: str) -> SettlementRun:
    """Turn a run down; its lines stay. Refused without a reason, Conflict when it was decided."""
    require(actor, "settlement.reject")
    if not reason.strip():
        raise Refused("settlement.reason", "Say why the run is rejected.")
    with transaction.atomic():
        run = held(run)
        if not run.is_open:
            raise Conflict("settlement.state", state_text(run, "rejected"))
        run.state, run.decision_comment = "REJECTED", reason
        run.save(update_fields=["state", "decision_comment"])
        record("settlement.reject", run, actor=actor, reason=reason, after={"at": now})
    return run


def mark_invoiced(run: SettlementRun, *, actor: Actor) -> SettlementRun:
    """Note that the run's amounts are on an issued invoice; called by billing."""
    with transaction.atomic():
        run = held(run)
        if run.state not in ("APPROVED", "LOCKED"):
            raise Conflict("settlement.state", state_text(run, "invoiced"))
        run.state = "INVOICED"
        run.save(update_fields=["state"])
        run.refresh_from_db(fields=["was_invoiced"])
        record("settlement.invoiced", run, actor=actor)
    return run


def _queue_next(run: SettlementRun) -> None:
    """Queue the months again that read of this one what is now different: its carry, its bill.

    The system calculates them, because of this approval; whoever approved may approve them too.
    """
    from settlement.services.month import queue_contract

    later = (
        SettlementRun.objects.filter(
            contract=run.contract_id,
            period__gt=run.period,
            state__in=SettlementRun.OPEN + SettlementRun.SETTLED,
        )
        .select_related("carry_in_run")
        .defer("inputs", "carry_in_run__inputs")
        .order_by("period", "version")
    )
    newest = {one.period: one for one in later}
    because = f"{run.approved_by.partition(':')[2]} approved {run}"
    label = Period(run.start_utc, run.end_utc, run.contract.zone, run.period).next().label
    following = newest.get(label)
    if following is not None and _was_given_another(following, run):
        reason = f"The carry from {run.period} changed: {because}."
        queue_contract(run.contract, label, kind=following.kind_after, reason=reason)
        newest.pop(label)
    if not _was_billed(run):
        return
    for one in newest.values():
        if one.is_open:
            reason = f"The correction of {run.period} is to be billed: {because}."
            queue_contract(run.contract, one.period, kind=one.kind, reason=reason)


def _was_given_another(following: SettlementRun, run: SettlementRun) -> bool:
    """Say whether the next month's run was given a carry, and this run hands on another."""
    before = following.carry_in_run
    return before is not None and before.carry_out != run.carry_out


def _was_billed(run: SettlementRun) -> bool:
    """Say whether an earlier version of the run's period is on an issued invoice."""
    return SettlementRun.objects.filter(
        contract=run.contract_id, period=run.period, was_invoiced=True
    ).exists()
