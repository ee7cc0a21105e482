"""Taking over a running contract and ending it: balances, dates, security, the last day."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from contracts.models import (
    Contract,
    ContractVersion,
    CreditSupport,
    DiaryEntry,
    OpeningBalance,
)
from contracts.services._save import checked_save
from contracts.services.versions import tell_held_anew
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Forbidden, Refused

#: How long before its last day a security stands on Today.
SECURITY_LEAD_DAYS = 60


@transaction.atomic
def approve_opening_balance(
    balance: OpeningBalance, *, actor: Actor, now: datetime
) -> OpeningBalance:
    """Let an opening balance count. Forbidden to whoever entered it; Conflict when it counts."""
    require(actor, "contracts.activate")
    balance = OpeningBalance.objects.select_for_update().get(pk=balance.pk)
    if balance.approved_by:
        said = f"{balance} is approved already, by {balance.approved_by.partition(':')[2]}."
        raise Conflict("contracts.opening_approved", said)
    if balance.recorded_by == str(actor):
        text = "You entered this opening balance; somebody else approves it."
        raise Forbidden("contracts.own_opening", text)
    balance.approved_at, balance.approved_by = now, str(actor)
    checked_save(balance)
    record("contract.opening_approved", balance, actor=actor, after=dict(balance.carry))
    return balance


@transaction.atomic
def add_diary_entry(
    contract: Contract, *, actor: Actor, now: datetime, **fields: Any
) -> DiaryEntry:
    """Write down a date to act before: kind, title, due_date, lead_days. Refused per field."""
    require(actor, "contracts.edit")
    entry = DiaryEntry(contract=contract, recorded_at=now, recorded_by=str(actor), **fields)
    checked_save(entry)
    after = {"due_date": entry.due_date, "title": entry.title}
    record("contract.diary_entered", entry, actor=actor, after=after)
    return entry


@transaction.atomic
def finish_diary_entry(
    entry: DiaryEntry, *, outcome: str, actor: Actor, now: datetime
) -> DiaryEntry:
    """Take a date off the list with what was done. Refused without it; Conflict when it is off."""
    require(actor, "contracts.edit")
    entry = DiaryEntry.objects.select_for_update().get(pk=entry.pk)
    if entry.done_at is not None:
        who = entry.done_by.partition(":")[2]
        raise Conflict("contracts.diary_done", f"'{entry.title}' was done by {who} already.")
    if not outcome.strip():
        raise Refused("contracts.reason", "Say what was done.")
    entry.done_at, entry.done_by, entry.outcome = now, str(actor), outcome.strip()
    checked_save(entry)
    record("contract.diary_done", entry, actor=actor, reason=entry.outcome)
    return entry


@transaction.atomic
def add_credit_support(
    contract: Contract, *, actor: Actor, now: datetime, **fields: Any
) -> CreditSupport:
    """Write down security that is held; its last day goes into the diary."""
    require(actor, "contracts.edit")
    held = CreditSupport(contract=contract, recorded_at=now, recorded_by=str(actor), **fields)
    if held.expiry_date is not None:
        held.diary_entry = add_diary_entry(
            contract,
            kind=DiaryEntry.Kind.SECURITY,
            title=f"{held.get_kind_display().capitalize()} of {held.issuer} ends"[:200],
            due_date=held.expiry_date,
            lead_days=SECURITY_LEAD_DAYS,
            actor=actor,
            now=now,
        )
    checked_save(held)
    after = {"kind": held.kind, "amount_usd": held.amount_usd, "expiry_date": held.expiry_date}
    record("contract.security_held", held, actor=actor, after=after)
    return held


@transaction.atomic
def release_credit_support(
    held: CreditSupport, *, released_on: date, note: str, actor: Actor, now: datetime
) -> CreditSupport:
    """Give security back, with the reason. Its date leaves the diary."""
    require(actor, "contracts.activate")
    held = CreditSupport.objects.select_for_update().get(pk=held.pk)
    if held.released_on is not None:
        raise Conflict("contracts.security_released", f"{held} was released already.")
    if not note.strip():
        raise Refused("contracts.reason", "Say why it is released.")
    if held.recorded_by == str(actor):
        text = "You entered this security; somebody else releases it."
        raise Forbidden("contracts.own_security", text)
    held.released_on, held.released_by, held.release_note = released_on, str(actor), note.strip()
    checked_save(held)
    entry = held.diary_entry
    if entry is not None and entry.done_at is None:
        entry.done_at, entry.done_by, entry.outcome = now, str(actor), "released"
        checked_save(entry)
    record("contract.security_released", held, actor=actor, reason=held.release_note)
    return held


@transaction.atomic
def terminate_contract(
    contract: Contract, *, last_day: date, reason: str, actor: Actor, now: datetime
) -> Contract:
    """End a contract on a local day: versions and points end there, later versions never hold.

    The last month is then settled in parts, by the days that are in force. Refused without a
    reason, or when no active version holds on the day; Conflict when it was ended before.
    """
    require(actor, "contracts.activate")
    contract = Contract.objects.select_for_update().get(pk=contract.pk)
    if contract.last_day is not None:
        raise Conflict("contracts.ended", f"{contract} ends on {contract.last_day} already.")
    if not reason.strip():
        raise Refused("contracts.reason", "Say why the contract ends.")
    active = list(contract.versions.filter(state=ContractVersion.State.ACTIVE).order_by("valid"))
    if not any(last_day in one.valid for one in active):
        raise Refused("contracts.none_in_force", f"No active version holds on {last_day}.")
    end = last_day + timedelta(days=1)
    for version in active:
        if version.valid.lower >= end:
            version.state = ContractVersion.State.SUPERSEDED
        elif version.valid.upper is None or version.valid.upper > end:
            version.valid = DateRange(version.valid.lower, end)
        version.save(update_fields=["state", "valid"])
    for point in contract.points.all():
        if point.valid.lower < end and (point.valid.upper is None or point.valid.upper > end):
            point.valid = DateRange(point.valid.lower, end)
            point.save(update_fields=["valid"])
    contract.last_day, contract.termination_reason = last_day, reason.strip()
    checked_save(contract)
    record("contract.ended", contract, actor=actor, reason=reason, after={"last_day": last_day})
    tell_held_anew(contract, end, now)
    return contract


def held(contract: Contract) -> list[CreditSupport]:
    """Return the security that is still held."""
    return [one for one in contract.securities.all() if one.released_on is None]


def sum_usd(securities: Iterable[CreditSupport]) -> Decimal:
    """Return the amount of securities together."""
    return sum((one.amount_usd for one in securities), Decimal("0.00"))
