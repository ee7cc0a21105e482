"""Desk-check as a job: a stage per past month, from the frozen documents of approved runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contracts.models import ContractVersion
from contracts.queries import terms
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.period import Period
from settlement.calc.desk_check import (
    BilledLine,
    CheckedMonth,
    Proposed,
    as_if_begun,
    by_code,
    check_month,
    not_priced,
    to_json,
    under,
)
from settlement.calc.inputs import from_bytes
from settlement.models import DeskCheck, SettlementRun
from settlement.queries.contract import with_needs
from settlement.queries.resolver import StoredResolver
from settlement.services.month import actor_of

KIND = "desk_check"
MOST_MONTHS = 24


def proposed_of(version: ContractVersion) -> Proposed:
    """Return the terms of a version as a desk-check prices them. Refused when there is none."""
    rows = tuple(terms(version))
    if not rows:
        raise Refused("settlement.no_term", f"{version} has no term yet.")
    return Proposed(version.number, version.anchor_date, version.facts, rows)


def terms_digest(version: ContractVersion) -> str:
    """Return the digest of what a version prices by; it changes when the version is written on."""
    return digest_of(
        {
            "anchor_date": version.anchor_date,
            "facts": version.facts,
            "terms": [
                {**vars(term), "parameters": dict(term.parameters), "term_id": None}
                for term in terms(version)
            ],
        }
    )


def months_of(version: ContractVersion, count: int) -> list[str]:
    """Return the newest approved months of the contract, the oldest first, at most `count`.

    Refused outside 1 to 24, and when no month is approved.
    """
    if not 1 <= count <= MOST_MONTHS:
        raise Refused("settlement.desk_check", f"Choose 1 to {MOST_MONTHS} months, not {count}.")
    rows = SettlementRun.objects.filter(
        contract=version.contract_id, state__in=SettlementRun.SETTLED
    )
    found = list(rows.order_by("-period").values_list("period", flat=True)[:count])
    if not found:
        text = f"No month of {version.contract.code} is approved yet, so nothing can be compared."
        raise Refused("settlement.desk_check", text)
    return sorted(found)


def ask_desk_check(version: ContractVersion, count: int, *, actor: Actor, now: datetime) -> Job:
    """Queue a desk-check of the last months; nothing is stored but its result."""
    require(actor, "settlement.run")
    proposed_of(version)
    payload = {"version": version.pk, "months": months_of(version, count)}
    key = f"{version.contract.code}/v{version.number}/{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    return enqueue(KIND, key, payload, tenant=version.tenant_id, created_by=actor.user_id)


def work_desk_check(context: Any) -> None:
    """Do a desk_check job: one stage per month, and one that writes the result."""
    payload = context.payload
    version = ContractVersion.objects.select_related("contract").get(pk=payload["version"])
    digest = terms_digest(version)
    first = Period.month(version.contract.zone, payload["months"][0]).first_date
    proposed = as_if_begun(proposed_of(version), first)
    saved = {"months": [], "carry": None, "terms": digest, **context.saved}
    if saved["terms"] != digest:
        text = f"{version} was written on while it was checked; ask again."
        raise Refused("settlement.desk_check", text)
    total = len(payload["months"])
    for done, label in enumerate(payload["months"], start=1):
        with context.stage(done, f"Pricing {label}", done=done, total=total) as todo:
            if todo:
                month, carry = checked(version, label, proposed, saved)
                saved = {
                    **saved,
                    "months": [*saved["months"], to_json(month)],
                    "carry": None if month.error else carry,
                }
                context.result(saved)
    with context.stage(total + 1, "Writing the result", done=total, total=total) as todo:
        if todo:
            saved = saved | {"anchor": str(proposed.anchor_date or "")}
            row = _written(version, saved, actor_of(context), context.now)
            context.result({"desk_check": row.pk})


def checked(
    version: ContractVersion, label: str, proposed: Proposed, saved: dict[str, Any]
) -> tuple[CheckedMonth, Any]:
    """Price one month; the carry follows the proposed terms while months follow each other."""
    run = SettlementRun.objects.get(
        contract=version.contract_id, period=label, state__in=SettlementRun.SETTLED
    )
    period = Period(run.start_utc, run.end_utc, version.contract.zone, run.period)
    frozen = from_bytes(bytes(run.inputs), StoredResolver(period))
    follows = saved["months"] and saved["months"][-1]["period"] == period.previous().label
    carry, billed = saved["carry"] if follows else None, billed_of(run)
    try:
        given = with_needs(frozen, run, proposed.terms)
    except DomainError as fault:
        return not_priced(label, run.pk, billed, fault.message), frozen.carry_in
    return check_month(label, run.pk, under(given, proposed, carry), billed)


def billed_of(run: SettlementRun) -> list[BilledLine]:
    """Return what a run billed for its own month, by line code."""
    rows = run.lines.filter(corrects_run__isnull=True).order_by("position")
    return by_code(
        BilledLine(row.line_code, row.label, row.quantity, row.unit, row.amount_usd) for row in rows
    )


def _written(
    version: ContractVersion, saved: dict[str, Any], actor: Actor, now: datetime
) -> DeskCheck:
    row = DeskCheck.objects.create(
        contract=version.contract,
        tenant_id=version.tenant_id,
        version=version,
        first_period=saved["months"][0]["period"],
        last_period=saved["months"][-1]["period"],
        terms_sha256=saved["terms"],
        result={"months": saved["months"], "anchor_date": saved["anchor"]},
        created_by=str(actor),
        created_at=now,
    )
    record("settlement.desk_check", row, actor=actor)
    return row
