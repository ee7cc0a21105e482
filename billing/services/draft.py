"""Draft an invoice from an approved run."""

from datetime import datetime

from django.db import transaction

from billing.models import Invoice, InvoiceLine
from billing.queries import carbon_of, inputs_of, live_invoice, period_of
from billing.services.document import total_of
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Refused
from settlement.models import SettlementRun

DRAFTABLE = ("APPROVED", "LOCKED", "INVOICED")


def draft_invoice(run: SettlementRun, *, actor: Actor, now: datetime) -> Invoice:
    """Draft the invoice of an approved run; the same run again gives the same draft.

    A draft of an earlier run of the period is replaced. Conflict unless the run is approved, and
    when the period is already on an issued invoice: the difference then goes with the next period.
    """
    require(actor, "billing.draft")
    with transaction.atomic():
        run = (
            SettlementRun.objects.select_for_update(of=("self",))
            .select_related("contract__seller", "contract__offtaker")
            .get(pk=run.pk)
        )
        _refuse_unapproved(run)
        live = live_invoice(run.contract_id, run.period)
        if live is not None and live.run_id == run.pk:
            return live
        if live is not None and live.state == Invoice.State.ISSUED:
            raise Conflict(
                "billing.period_billed",
                f"{run.period} of {run.contract.code} is already on invoice {live.number}; "
                "what this run changes is billed with the next period.",
                invoice=live.number,
            )
        if live is not None:
            live.delete()
        invoice = _write(run, now, actor)
        record(
            "billing.draft",
            invoice,
            actor=actor,
            after={"run": run.pk, "total_usd": invoice.total_usd},
        )
    return invoice


def _refuse_unapproved(run: SettlementRun) -> None:
    if run.state not in DRAFTABLE:
        raise Conflict(
            "billing.run_not_approved",
            f"The run {run.contract.code} {run.period} version {run.version} is "
            f"{run.get_state_display().lower()}; only an approved run becomes an invoice.",
        )


def _write(run: SettlementRun, now: datetime, actor: Actor) -> Invoice:
    contract, period = run.contract, period_of(run)
    lines = list(run.lines.order_by("position"))
    if not lines:
        raise Refused("billing.no_lines", "The run has no lines, so there is nothing to invoice.")
    carbon = carbon_of(run)
    invoice = Invoice.objects.create(
        seller=contract.seller,
        contract=contract,
        tenant_id=contract.tenant_id,
        run=run,
        period=run.period,
        first_date=period.first_date,
        last_date=period.last_date,
        currency=run.currency,
        total_usd=total_of(lines),
        energy_kwh=inputs_of(run).series["delivered"].total(),
        estimated_ratio=run.estimated_ratio or 0,
        co2e_g=carbon.co2e_g if carbon else None,
        prepared_by=str(actor),
        prepared_at=now,
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            tenant_id=contract.tenant_id,
            settlement_line=line,
            position=line.position,
            line_code=line.line_code,
            label=line.label,
            clause=line.clause,
            quantity=line.quantity,
            unit=line.unit,
            rate_text=line.rate_text,
            amount_usd=line.amount_usd,
            estimated_ratio=line.estimated_ratio,
        )
        for line in lines
    )
    return invoice


def discard_draft(invoice: Invoice, *, actor: Actor, reason: str) -> None:
    """Throw a draft away. Conflict when it was issued meanwhile; Refused without a reason."""
    require(actor, "billing.draft")
    if not reason.strip():
        raise Refused("billing.reason", "Say why the draft is thrown away.")
    with transaction.atomic():
        held = Invoice.objects.select_for_update(of=("self",)).get(pk=invoice.pk)
        if held.state != Invoice.State.DRAFT:
            raise Conflict("billing.state", f"{held} is {held.get_state_display().lower()}.")
        record(
            "billing.discard",
            held,
            actor=actor,
            reason=reason,
            before={"total_usd": held.total_usd},
        )
        held.delete()
