"""When a kind of run may be made: until when a month is corrected, and what comes before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts.models import Contract
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from settlement.models import SettlementRun
from settlement.queries.closing import rules_of, window_closed


def refuse_closed(contracts: Sequence[Contract], period: Period, now: datetime) -> None:
    """Refuse a true-up of a month whose last day for them is over.

    A price or a reading that is revised later changes nothing that is billed; an ad hoc run with a
    reason is the way where both sides agree otherwise.
    """
    rules = rules_of(contracts)
    for contract in contracts:
        last = window_closed(rules.get(contract.pk), period, now)
        if last is not None:
            text = (
                f"{contract.code} {period.label} is final: its last true-up was due on {last}. "
                "What was revised since is not billed; where both sides agree otherwise, make an "
                "ad hoc run with the reason."
            )
            raise Refused("settlement.window_closed", text, contract=contract.code)


def refuse_preliminary(contracts: Sequence[Contract], period: Period) -> None:
    """Refuse a preliminary run of a month that was settled for good: it would stand in the way.

    What changed since the final run was approved is a true-up.
    """
    settled = SettlementRun.objects.filter(
        contract__in=contracts, period=period.label, state__in=SettlementRun.SETTLED
    ).exclude(kind=SettlementRun.Kind.PRELIMINARY)
    run = settled.select_related("contract").order_by("contract__code").first()
    if run is not None:
        text = (
            f"{run.contract.code} {period.label} is approved as {run.get_kind_display().lower()} "
            f"v{run.version}; a preliminary run comes before that. Make a true-up."
        )
        raise Refused("settlement.settled_already", text, contract=run.contract.code)
