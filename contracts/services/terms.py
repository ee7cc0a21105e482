"""Terms, examples, opening balances and tenancy of a contract, written through one door."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Max

from contracts.calc.opening_carry import check_carry
from contracts.charges import charge_type
from contracts.models import (
    Contract,
    ContractExample,
    ContractQuantity,
    ContractVersion,
    OpeningBalance,
    TenantPoint,
    Term,
)
from contracts.services._save import checked_save
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.parameters import to_json


def must_be_draft(version: ContractVersion) -> None:
    """Conflict unless the version may still be written."""
    if version.state != ContractVersion.State.DRAFT:
        raise Conflict(
            "contracts.not_draft",
            f"{version} is {version.get_state_display()}; make a new version instead",
        )


@transaction.atomic
def write_draft(version: ContractVersion, actor: Actor) -> None:
    """Note who writes in a draft: somebody else activates it. Conflict unless it is a draft."""
    must_be_draft(version)
    row = ContractVersion.objects.select_for_update().get(pk=version.pk)
    if str(actor) not in row.writers:
        row.writers = [*row.writers, str(actor)]
        row.save(update_fields=["writers"])
    version.writers = row.writers


@transaction.atomic
def add_term(
    version: ContractVersion,
    *,
    line_code: int,
    charge_type_key: str,
    label: str,
    parameters: Mapping[str, Any],
    clause_number: str = "",
    clause_text: str = "",
    quantity_name: str = "delivered",
    position: int | None = None,
    actor: Actor,
) -> Term:
    """Add a term to a draft. Refused with a finding per wrong parameter."""
    require(actor, "contracts.edit")
    write_draft(version, actor)
    kind = charge_type(charge_type_key)
    parsed = kind.parse(parameters)
    if position is None:
        position = (version.terms.aggregate(top=Max("position"))["top"] or 0) + 10
    term = Term(
        version=version,
        position=position,
        line_code=line_code,
        charge_type=charge_type_key,
        label=label,
        clause_number=clause_number,
        clause_text=clause_text,
        quantity_name=quantity_name,
        parameters=to_json(parsed),
    )
    checked_save(term)
    record("contract.term_added", term, actor=actor, after={"charge_type": charge_type_key})
    return term


@transaction.atomic
def change_term(term: Term, *, actor: Actor, **fields: Any) -> Term:
    """Write a term of a draft anew: label, clause, quantity, line code or parameters."""
    require(actor, "contracts.edit")
    write_draft(term.version, actor)
    before = {name: getattr(term, name) for name in fields}
    if "parameters" in fields:
        parsed = charge_type(term.charge_type).parse(fields["parameters"])
        fields["parameters"] = to_json(parsed)
    for name, value in fields.items():
        setattr(term, name, value)
    checked_save(term)
    changed = {name: value for name, value in fields.items() if value != before[name]}
    record(
        "contract.term_changed",
        term,
        actor=actor,
        before={name: before[name] for name in changed},
        after=changed,
    )
    return term


@transaction.atomic
def remove_term(term: Term, *, actor: Actor) -> None:
    """Take a term out of a draft."""
    require(actor, "contracts.edit")
    write_draft(term.version, actor)
    record("contract.term_removed", term, actor=actor, before={"label": term.label})
    term.delete()


@transaction.atomic
def add_example(
    version: ContractVersion,
    *,
    name: str,
    inputs: Mapping[str, Any],
    expected: Mapping[str, str],
    actor: Actor,
) -> ContractExample:
    """Add a worked example to a draft."""
    require(actor, "contracts.edit")
    write_draft(version, actor)
    example = ContractExample(
        version=version, name=name, inputs=dict(inputs), expected=dict(expected)
    )
    checked_save(example)
    record("contract.example_added", example, actor=actor, after={"expected": dict(expected)})
    return example


@transaction.atomic
def change_example(
    example: ContractExample,
    *,
    name: str,
    inputs: Mapping[str, Any],
    expected: Mapping[str, str],
    actor: Actor,
) -> ContractExample:
    """Write a worked example of a draft anew; it counts as not run. Conflict when it is active."""
    require(actor, "contracts.edit")
    write_draft(example.version, actor)
    fields = {"name": name, "inputs": dict(inputs), "expected": dict(expected)}
    before = {key: getattr(example, key) for key in fields}
    for key, value in fields.items():
        setattr(example, key, value)
    example.last_verdict, example.last_report, example.last_run_at = "", [], None
    checked_save(example)
    changed = [key for key, value in fields.items() if value != before[key]]
    record(
        "contract.example_changed",
        example,
        actor=actor,
        before={key: before[key] for key in changed},
        after={key: fields[key] for key in changed},
    )
    return example


@transaction.atomic
def remove_example(example: ContractExample, *, actor: Actor) -> None:
    """Take a worked example out of a draft. Conflict when its version is active."""
    require(actor, "contracts.edit")
    write_draft(example.version, actor)
    before = {"name": example.name, "inputs": example.inputs, "expected": example.expected}
    record("contract.example_removed", example, actor=actor, before=before)
    example.delete()


@transaction.atomic
def assign_point(
    contract: Contract,
    delivery_point,
    *,
    first_day: date,
    last_day: date | None = None,
    share_ratio: str = "1",
    actor: Actor,
) -> TenantPoint:
    """Give the energy of a delivery point to a contract from a local day on.

    Refused when the point stands on another campus or already serves a contract then.
    """
    require(actor, "contracts.edit")
    if delivery_point.campus_id != contract.campus_id:
        raise Refused("contracts.unknown_point", f"there is no point '{delivery_point.code}'")
    end = None if last_day is None else last_day + timedelta(days=1)
    point = TenantPoint(
        contract=contract,
        delivery_point=delivery_point,
        share_ratio=share_ratio,
        valid=DateRange(first_day, end),
    )
    checked_save(point)
    record("contract.point_assigned", point, actor=actor, after={"first_day": first_day})
    return point


@transaction.atomic
def bind_quantity(
    contract: Contract,
    name: str,
    channel,
    *,
    first_day: date,
    last_day: date | None = None,
    sign: int = 1,
    actor: Actor,
) -> ContractQuantity:
    """Let a channel count for a contract under a name from a local day on.

    Refused when the channel stands on another campus, has another unit than the name has, or
    counts for the contract then.
    """
    require(actor, "contracts.edit")
    end = None if last_day is None else last_day + timedelta(days=1)
    row = ContractQuantity(
        contract=contract, name=name, channel=channel, sign=sign, valid=DateRange(first_day, end)
    )
    checked_save(row)
    after = {"name": name, "channel": channel.code, "sign": sign, "first_day": first_day}
    record("contract.quantity_bound", row, actor=actor, after=after)
    return row


@transaction.atomic
def set_opening_balance(
    contract: Contract,
    *,
    period: str,
    carry: Mapping[str, Any],
    reason: str,
    open_items: Sequence[Mapping[str, str]] = (),
    actor: Actor,
    now: datetime,
) -> OpeningBalance:
    """Enter what the contract brings along into its first settled month.

    It counts once a second person has approved it. Refused without a reason, or when a peak is
    not a number of kW.
    """
    require(actor, "contracts.edit")
    if not reason.strip():
        raise Refused("contracts.reason", "an opening balance needs a reason")
    check_carry(carry)
    balance = OpeningBalance(
        contract=contract,
        period=period,
        carry=dict(carry),
        open_items=[dict(item) for item in open_items],
        reason=reason,
        recorded_at=now,
        recorded_by=str(actor),
    )
    checked_save(balance)
    record("contract.opening_balance", balance, actor=actor, reason=reason, after=dict(carry))
    return balance
