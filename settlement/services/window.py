"""The window of true-ups: until when a month may be corrected, and what to do afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts.models import Contract
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
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
