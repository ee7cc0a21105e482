"""The months behind a run that read what it hands on, and what a change does to them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from poweroptix.kernel.period import Period
from settlement.calc.chain import following
from settlement.models import SettlementRun
from settlement.queries.causes import stored_inputs

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
