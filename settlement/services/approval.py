"""Review: submit, approve by a second person, reject; and the mark that billing sets."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from contracts.models import ContractVersion
from meters.models import Edit
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from poweroptix.kernel.period import Period
from settlement.calc.gate import blocking
from settlement.calc.plan import contract_channels
from settlement.models import AllocationRun, Correction, SettlementRun
from settlement.queries.contract import read_contract
from settlement.services.allocation import changed_since, document_of
from settlement.services.readiness import readiness

GATED = ("FINAL", "TRUE_UP", "AD_HOC")


def submit_run(run: SettlementRun, *, actor: Actor, now: datetime) -> SettlementRun:
    """Hand a calculated run to the reviewers. Conflict unless it is CALCULATED."""
    require(actor, "settlement.submit")
    with transaction.atomic():
        run = _held(run)
        if run.state != "CALCULATED":
            raise Conflict("settlement.state", _state_text(run, "submitted"))
        run.state, run.submitted_by, run.submitted_at = "REVIEW", str(actor), now
        run.save(update_fields=["state", "submitted_by", "submitted_at"])
        record("settlement.submit", run, actor=actor)
    return run


def approve_run(
    run: SettlementRun, *, actor: Actor, now: datetime, comment: str = ""
) -> SettlementRun:
    """Approve a run: a second person, complete amounts, inputs still as they were, gate clear.

    The run takes the place of an earlier approved one of the period. Forbidden for whoever
    calculated it or changed its inputs; Conflict when it was decided meanwhile or is stale;
    Refused with findings when something is missing. Of two people at once, one succeeds.
    """
    require(actor, "settlement.approve")
    with transaction.atomic():
        run = _held(run)
        if not run.is_open:
            raise Conflict("settlement.state", _state_text(run, "approved"))
        _refuse_own(run, actor)
        _refuse_incomplete(run)
        _refuse_stale(run)
        if run.kind in GATED:
            _refuse_unready(run, now)
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
    return run


def reject_run(run: SettlementRun, *, actor: Actor, now: datetime, reason: str) -> SettlementRun:
    """Turn a run down; its lines stay. Refused without a reason, Conflict when it was decided."""
    require(actor, "settlement.reject")
    if not reason.strip():
        raise Refused("settlement.reason", "Say why the run is rejected.")
    with transaction.atomic():
        run = _held(run)
        if not run.is_open:
            raise Conflict("settlement.state", _state_text(run, "rejected"))
        run.state, run.decision_comment = "REJECTED", reason
        run.save(update_fields=["state", "decision_comment"])
        record("settlement.reject", run, actor=actor, reason=reason, after={"at": now})
    return run


def mark_invoiced(run: SettlementRun, *, actor: Actor) -> SettlementRun:
    """Note that the run's amounts are on an issued invoice; called by billing."""
    with transaction.atomic():
        run = _held(run)
        if run.state not in ("APPROVED", "LOCKED"):
            raise Conflict("settlement.state", _state_text(run, "invoiced"))
        run.state = "INVOICED"
        run.save(update_fields=["state"])
        run.refresh_from_db(fields=["was_invoiced"])
        record("settlement.invoiced", run, actor=actor)
    return run


def _held(run: SettlementRun) -> SettlementRun:
    """Return the run as it is now, locked to the end of the transaction."""
    return SettlementRun.objects.select_for_update(of=("self",)).select_related("contract").get(
        pk=run.pk
    )  # fmt: skip


def _state_text(run: SettlementRun, verb: str) -> str:
    if run.is_settled and run.approved_by:
        who = run.approved_by.partition(":")[2]
        return f"{who} approved this run at {run.approved_at:%Y-%m-%d %H:%M} UTC."
    return f"The run is {run.get_state_display().lower()}; it cannot be {verb}."


def _refuse_own(run: SettlementRun, actor: Actor) -> None:
    """Four eyes: neither who calculated the run nor who last changed what it rests on."""
    if actor.kind not in ("user", "token"):
        raise Forbidden("settlement.not_a_person", "A run is approved by a person.")
    me = str(actor)
    if run.created_by == me:
        text = "You calculated this run, so you cannot approve it."
        raise Forbidden("settlement.own_run", text)
    channels = contract_channels(document_of(run.allocation_run), run.contract.code)
    edits = Edit.objects.filter(
        channel__in=channels, actor=me, start_utc__lt=run.end_utc, end_utc__gt=run.start_utc
    )
    if edits.exists():
        text = "You edited readings of this period, so you cannot approve the run."
        raise Forbidden("settlement.own_edit", text)
    end = run.end_utc.date()
    versions = ContractVersion.objects.filter(
        contract=run.contract_id, created_by=me, valid__overlap=(run.start_utc.date(), end)
    )
    if versions.exists():
        text = "You wrote the contract version that this run prices, so you cannot approve it."
        raise Forbidden("settlement.own_terms", text)


def _refuse_incomplete(run: SettlementRun) -> None:
    if run.total_usd is not None:
        return
    lines = list(run.lines.filter(amount_usd__isnull=True).values_list("line_code", "label"))
    named = "; ".join(f"{code} {label}" for code, label in lines)
    text = f"The run has lines without an amount ({named}); an empty amount is never zero."
    raise Refused("settlement.no_amount", text)


def _refuse_stale(run: SettlementRun) -> None:
    """Stop when what the run read has changed since: readings, prices, terms, calendars, carry."""
    changed = changed_since(run.allocation_run)
    if changed:
        raise Conflict("settlement.stale", changed)
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    reading = read_contract(run.contract, period, run.allocation_run)
    if reading.inputs.frozen()[1] != run.inputs_sha256:
        text = "Prices, terms, calendars or the carry changed since the calculation; recalculate."
        raise Conflict("settlement.stale", text)


def _refuse_unready(run: SettlementRun, now: datetime) -> None:
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    findings = blocking(readiness(run.contract, period, now=now))
    if findings:
        more = f" ({len(findings) - 1} more)" if len(findings) > 1 else ""
        raise Refused(
            "settlement.not_ready", f"Not ready: {findings[0].message}{more}", findings=findings
        )


def _queue_next(run: SettlementRun) -> None:
    """Queue the next period again when what it was given has changed."""
    from settlement.services.month import queue_contract

    label = Period(run.start_utc, run.end_utc, run.contract.zone, run.period).next().label
    following = SettlementRun.objects.filter(
        contract=run.contract_id,
        period=label,
        state__in=SettlementRun.OPEN + SettlementRun.SETTLED,
    ).select_related("carry_in_run").order_by("version").last()  # fmt: skip
    if following is None or following.carry_in_run is None:
        return
    if following.carry_in_run.carry_out != run.carry_out:
        kind = "TRUE_UP" if following.is_settled else following.kind
        queue_contract(
            run.contract, label, kind=kind, reason=f"The carry from {run.period} changed."
        )


def waiting(run: SettlementRun) -> list[Correction]:
    """Return the corrections of readings that wait for a newer run of this run's period."""
    return list(run.corrections_waiting.filter(cleared_by__isnull=True))
