"""What a contract brings along and how it ends, as a document says it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from contracts.models import Contract, OpeningBalance
from contracts.services import set_opening_balance, terminate_contract
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.portfolio.changes import CREATE, SAME, UPDATE, Change
from poweroptix.portfolio.rows import find, known_fields, listed, required
from poweroptix.portfolio.values import as_text, day_of


def apply_end(
    contract: Contract, item: Any, where: str, actor: Actor, now: datetime
) -> list[Change]:
    """End a contract on its `last_day` with a `reason`; once ended it is only repeated."""
    known_fields(item, {"last_day", "reason"}, where)
    said, reason = required(item, where, "last_day", "reason")
    last_day = day_of(said, f"{where}.last_day")
    if contract.last_day == last_day:
        return []
    try:
        terminate_contract(contract, last_day=last_day, reason=str(reason), actor=actor, now=now)
    except DomainError as fault:
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault
    return [Change("contracts.ends", contract.code, UPDATE, {"last_day": ("", f"{last_day}")})]


def apply_opening(item: Mapping, where: str, actor: Actor, now: datetime) -> list[Change]:
    """Record an opening balance; once recorded it is only repeated, never changed."""
    known_fields(item, {"contract", "period", "carry", "open_items", "reason"}, where)
    code, period, said, reason = required(item, where, "contract", "period", "carry", "reason")
    contract = find(Contract, code, item, f"{where}.contract")
    period, carry = str(period), as_text(said)
    items = [as_text(_plain_days(one)) for one in listed(item, "open_items", where)]
    key = f"{contract.code}/{period}"
    existing = OpeningBalance.objects.filter(contract=contract, period=period).first()
    if existing is not None:
        if (existing.carry, existing.open_items) != (carry, items):
            what = "another carry" if existing.carry != carry else "other open items"
            text = f"{where}: an opening balance of {key} exists with {what}"
            raise Refused("portfolio.opening_differs", text)
        return [Change("opening_balances", key, SAME)]
    try:
        set_opening_balance(
            contract,
            period=period,
            carry=carry,
            open_items=items,
            reason=str(reason),
            actor=actor,
            now=now,
        )
    except DomainError as fault:
        raise Refused(fault.code, f"{where}: {fault.message}", findings=fault.findings) from fault
    return [Change("opening_balances", key, CREATE)]


def _plain_days(item: Any) -> Any:
    """Return an open item whose date is text, as YAML may have read it as a date."""
    if not isinstance(item, Mapping):
        return item
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in item.items()}
