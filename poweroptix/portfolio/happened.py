"""Events of contracts in a document: recorded once, never changed by it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contracts.models import Contract
from contracts.queries import standing
from contracts.services import record_event
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.portfolio.changes import CREATE, SAME, Change
from poweroptix.portfolio.rows import find, known_fields, required
from poweroptix.portfolio.values import as_text

FIELDS = {"contract", "kind", "start", "end", "values", "reason"}


def apply_event(item: Mapping, where: str, actor: Actor, now: datetime) -> list[Change]:
    """Record an event of a contract; one that stands already is only repeated.

    Refused where one of its kind began at that moment with another end, other values or another
    reason: what was recorded is corrected as an event, with its own reason, not by a document.
    """
    known_fields(item, FIELDS, where)
    code, kind, start, reason = required(item, where, "contract", "kind", "start", "reason")
    contract = find(Contract, code, item, f"{where}.contract")
    start_utc = _instant(start, f"{where}.start")
    end_utc = _instant(item["end"], f"{where}.end") if item.get("end") else start_utc
    values = as_text(item.get("values") or {})
    key = f"{contract.code}/{kind}/{start_utc:%Y-%m-%dT%H:%MZ}"
    for known in standing(contract).filter(kind=kind, start_utc=start_utc):
        if (known.end_utc, known.values, known.reason) == (end_utc, values, reason):
            return [Change("contract_events", key, SAME)]
        if known.end_utc > start_utc or end_utc == start_utc:
            text = f"{where}: an event {key} stands with another end, other values or reason; "
            raise Refused("portfolio.event_differs", f"{text}correct it as an event of its own")
    try:
        record_event(
            contract,
            kind=str(kind),
            start_utc=start_utc,
            end_utc=end_utc,
            values=values,
            reason=str(reason),
            actor=actor,
            now=now,
        )
    except DomainError as fault:
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault
    return [Change("contract_events", key, CREATE)]


def _instant(text: Any, where: str) -> datetime:
    """Return an instant with an offset; Refused otherwise."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as fault:
        raise Refused("portfolio.value", f"{where}: '{text}' is not an ISO instant") from fault
    if found.tzinfo is None:
        raise Refused("portfolio.value", f"{where}: '{text}' needs an offset or Z")
    return found.astimezone(UTC)
