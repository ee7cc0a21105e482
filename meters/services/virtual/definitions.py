"""Verbs on definitions of virtual channels: define, end, withdraw.

A definition holds until the next one begins; the one in force is ended where a new one begins.
One that begins at the same instant replaces the old, which stays as history with the reason. The
readings follow in a job.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.models import VirtualDefinition, VirtualTerm
from meters.services.virtual.checking import Checked, Order, check
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.grid import utc

JOB = "recompute_virtual"
REASON_CHARACTERS = 10


def define(order: Order, *, actor: Actor, now: datetime) -> VirtualDefinition:
    """Store a definition from `order.from_utc` until the next one begins, and have it computed.

    The same definition once more changes nothing and is returned as it is. Raises Refused with
    one finding per fault and its field (`meters.services.virtual.checking`), Forbidden without
    the right to configure.
    """
    require(actor, "meters.configure")
    with transaction.atomic():
        checked = check(order)
        before = in_force(order)
        if before is not None and says(before, checked):
            return before
        if before is not None:
            _make_room(before, order, actor, now)
        made = VirtualDefinition.objects.create(
            channel=order.channel,
            valid=DateTimeTZRange(utc(order.from_utc), checked.until_utc),
            method=order.method,
            formula=checked.formula,
            parameters=checked.parameters,
            cut_longer=order.cut_longer,
            comment=order.comment.strip(),
            recorded_by=str(actor)[:150],
            recorded_at=now,
        )
        VirtualTerm.objects.bulk_create(
            VirtualTerm(definition=made, name=name, channel=channel)
            for name, channel in checked.terms.items()
        )
        record("virtual.define", order.channel, actor=actor, reason=made.comment, after=_told(made))
        _have_computed(made, made.valid.lower, made.valid.upper, "define")
    return made


def end(
    definition: VirtualDefinition, at_utc: datetime, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Let a definition end earlier; from then on the channel has no value until another begins.

    Raises Refused for an instant outside of its time or off its intervals, or without a reason;
    Conflict when it was withdrawn.
    """
    require(actor, "meters.configure")
    _check_reason(reason)
    at = utc(at_utc)
    with transaction.atomic():
        row = _locked(definition)
        old = row.valid
        if not (old.lower < at and (old.upper is None or at < old.upper)):
            raise Refused("virtual.end", f"{at:%Y-%m-%d %H:%M} UTC lies outside of {row}.")
        if (at.hour * 60 + at.minute) % row.channel.minutes or at.second or at.microsecond:
            text = f"{at:%H:%M:%S} is not the start of a {row.channel.minutes}-minute interval."
            raise Refused("virtual.end", text)
        row.valid, row.computed_at = DateTimeTZRange(old.lower, at), None
        row.save(update_fields=["valid", "computed_at"])
        record("virtual.end", row.channel, actor=actor, reason=reason.strip(),
               before={"until": old.upper}, after={"until": at, "definition": row.pk})  # fmt: skip
        _have_computed(row, at, old.upper, f"end {now.isoformat()}")


def withdraw(definition: VirtualDefinition, *, reason: str, actor: Actor, now: datetime) -> None:
    """Take a definition back as if it had never been; it stays as history, with the reason."""
    require(actor, "meters.configure")
    _check_reason(reason)
    with transaction.atomic():
        row = _locked(definition)
        _withdraw(row, reason.strip(), actor, now)
        _have_computed(row, row.valid.lower, row.valid.upper, f"withdraw {now.isoformat()}")


def in_force(order: Order) -> VirtualDefinition | None:
    """Return the live definition that holds at the instant an order begins, locked."""
    return (
        VirtualDefinition.objects.select_for_update(of=("self",))
        .filter(
            channel=order.channel, withdrawn_at__isnull=True, valid__contains=utc(order.from_utc)
        )
        .select_related("channel")
        .first()
    )


def says(row: VirtualDefinition, checked: Checked) -> bool:
    """Return whether a definition says what an order asks for, from the same instant on."""
    order = checked.order
    return (
        row.valid.lower == utc(order.from_utc)
        and (row.method, row.formula, row.parameters, row.cut_longer)
        == (order.method, checked.formula, checked.parameters, order.cut_longer)
        and {term.name: term.channel_id for term in row.terms.all()}
        == {name: channel.pk for name, channel in checked.terms.items()}
    )


def _make_room(row: VirtualDefinition, order: Order, actor: Actor, now: datetime) -> None:
    """End the definition in force where the new one begins; replace one that begins there too."""
    begins = utc(order.from_utc)
    if row.valid.lower == begins:
        _withdraw(row, order.comment.strip() or "Replaced by another definition.", actor, now)
        row.computed_at = now
        row.save(update_fields=["computed_at"])
        return
    old = row.valid
    row.valid = DateTimeTZRange(old.lower, begins)
    row.save(update_fields=["valid"])
    record("virtual.end", row.channel, actor=actor, reason="Another definition begins.",
           before={"until": old.upper}, after={"until": begins, "definition": row.pk})  # fmt: skip


def _withdraw(row: VirtualDefinition, reason: str, actor: Actor, now: datetime) -> None:
    row.withdrawn_by, row.withdrawn_at = str(actor)[:150], now
    row.withdrawn_reason, row.computed_at = reason[:300], None
    row.save(update_fields=["withdrawn_by", "withdrawn_at", "withdrawn_reason", "computed_at"])
    record("virtual.withdraw", row.channel, actor=actor, reason=reason, before=_told(row))


def _locked(definition: VirtualDefinition) -> VirtualDefinition:
    row = (
        VirtualDefinition.objects.select_for_update(of=("self",))
        .select_related("channel")
        .get(pk=definition.pk)
    )
    if not row.is_live:
        raise Conflict("virtual.withdrawn", f"The definition of {row} was withdrawn already.")
    return row


def _check_reason(reason: str) -> None:
    if len(reason.strip()) < REASON_CHARACTERS:
        raise Refused("virtual.reason", f"Say why in at least {REASON_CHARACTERS} characters.")


def _told(row: VirtualDefinition) -> dict:
    """Return a definition for the audit trail."""
    return {
        "definition": row.pk,
        "from": row.valid.lower,
        "until": row.valid.upper,
        "method": row.method,
        "formula": row.formula,
        "parameters": row.parameters,
        "terms": {term.name: term.channel.code for term in row.terms.select_related("channel")},
    }


def _have_computed(
    row: VirtualDefinition, start: datetime, until: datetime | None, why: str
) -> None:
    """Leave the readings of a range to a worker."""
    enqueue(
        JOB,
        f"virtual/{row.pk}/{why}",
        {"definition_id": row.pk, "start_utc": start, "end_utc": until},
    )
