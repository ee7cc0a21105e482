"""Peaks of a power system, entered once for every contract whose terms read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from contracts.calc.price_terms import needs_of
from contracts.events import SYSTEM_PEAK
from contracts.models import Contract, ContractEvent, Term
from contracts.queries import priced_term, standing
from contracts.services.events import plain_values, record_event
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused


def readers_of(system: str) -> list[Contract]:
    """Return the contracts with a term that reads the peaks of a system, in order of their keys."""
    found: dict[int, Contract] = {}
    terms = Term.objects.filter(parameters__system=system).select_related("version__contract")
    for term in terms:
        if system in needs_of([priced_term(term)]).systems:
            found[term.version.contract_id] = term.version.contract
    return [contract for _, contract in sorted(found.items())]


@transaction.atomic
def record_system_peak(
    *,
    start_utc: datetime,
    end_utc: datetime,
    values: Mapping[str, Any],
    reason: str,
    replaces: ContractEvent | None = None,
    actor: Actor,
    now: datetime,
) -> list[ContractEvent]:
    """Write a peak down for every contract that reads its system; all of them or none.

    With `replaces` it takes the place of the same peak wherever that stands. A contract for which
    it stands already just so is passed over. Refused as `record_event` is, and when none reads it.
    """
    require(actor, "contracts.edit")
    plain, written = plain_values(SYSTEM_PEAK, values), []
    contracts = readers_of(plain["system"])
    if not contracts:
        text = f"no contract reads peaks of '{plain['system']}'"
        raise Refused("contracts.event_unread", text)
    for contract in contracts:
        peaks = standing(contract).filter(kind=SYSTEM_PEAK)
        if peaks.filter(start_utc=start_utc, end_utc=end_utc, values=plain).exists():
            continue
        old = None
        if replaces is not None:
            old = peaks.filter(
                start_utc=replaces.start_utc, end_utc=replaces.end_utc, values=replaces.values
            ).first()
        written.append(
            record_event(
                contract,
                kind=SYSTEM_PEAK,
                start_utc=start_utc,
                end_utc=end_utc,
                values=plain,
                reason=reason,
                replaces=old,
                actor=actor,
                now=now,
            )
        )
    return written
