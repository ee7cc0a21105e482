"""The months behind a run: those that read what it hands on, and the one that bills it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from poweroptix.kernel.period import Period
from settlement.calc.chain import following
from settlement.calc.delta import ZERO
from settlement.models import Line, SettlementRun
from settlement.queries.causes import stored_inputs
from settlement.queries.closing import rules_of

#: A contract year and a ratchet of a year behind it.
MONTHS_MAX = 24


@dataclass(frozen=True)
class LaterMonth:
    """A later month that has to be settled again, and what it will owe more or less."""

    run: SettlementRun
    amount_usd: Decimal


def later_months(run: SettlementRun) -> list[LaterMonth]:
    """Return the months behind a run that change when they read what it hands on.

    They are settled here from what their newest runs pinned; nothing is written. A month that has
    no run ends the chain.
    """
    rows = SettlementRun.objects.filter(
        contract=run.contract_id,
        period__gt=run.period,
        state__in=SettlementRun.OPEN + SettlementRun.SETTLED,
    ).select_related("contract")
    newest = {one.period: one for one in rows.order_by("period", "version")}
    behind, month = [], Period(run.start_utc, run.end_utc, run.contract.zone, run.period).next()
    while month.label in newest and len(behind) < MONTHS_MAX:
        behind.append(newest[month.label])
        month = month.next()
    found = following(run.carry_out, [stored_inputs(one) for one in behind])
    return [LaterMonth(one, month.amount_usd) for one, month in zip(behind, found, strict=False)]


@dataclass(frozen=True)
class BillingMonth:
    """The month that bills a correction as lines 70.

    `run` and `amount_usd` are None until a run of that month has these lines; until then
    `limit_usd` is the limit below which a correction is carried on instead, None without one.
    """

    period: str
    run: SettlementRun | None = None
    amount_usd: Decimal | None = None
    limit_usd: Decimal | None = None


def billing_month(run: SettlementRun) -> BillingMonth | None:
    """Return the month that bills what a run corrects; None when the run corrects no invoice.

    A month that was invoiced is not billed again: the difference goes to the first month behind it
    that is not settled yet.
    """
    rows = Line.objects.filter(
        corrects_run=run.pk, run__state__in=SettlementRun.OPEN + SettlementRun.SETTLED
    ).select_related("run")
    lines = list(rows.order_by("run__period", "-run__version", "position"))
    if lines:
        first = lines[0].run
        owed = [line.amount_usd for line in lines if line.run_id == first.pk]
        return BillingMonth(first.period, first, sum(owed, ZERO))
    others = SettlementRun.objects.filter(contract=run.contract_id).exclude(pk=run.pk)
    may_be_billed = not run.was_invoiced and (run.is_open or run.is_settled)
    invoiced = others.filter(period=run.period, was_invoiced=True)
    if not may_be_billed or not invoiced.exists():
        return None
    settled = set(
        others.filter(period__gt=run.period, state__in=SettlementRun.SETTLED).values_list(
            "period", flat=True
        )
    )
    month = Period(run.start_utc, run.end_utc, run.contract.zone, run.period).next()
    while month.label in settled:
        month = month.next()
    rules = rules_of([run.contract]).get(run.contract_id)
    limit = rules.calendar.materiality_usd if rules else None
    return BillingMonth(month.label, limit_usd=limit or None)
