"""What a program may write down beside readings: amounts of pools, events of contracts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contracts.models import Contract
from contracts.services import record_event, withdraw_event
from poweroptix.api import happened, sharing
from poweroptix.api.decisions import Decision
from poweroptix.api.lists import found, instant
from poweroptix.api.once import once
from poweroptix.api.serializers import StrictSerializer, Text
from poweroptix.api.starts import Starts
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.pages.asked import read_month, read_number
from settlement.models import MoneyPool
from settlement.services.money import Entry, enter_item, withdraw_item


class OnlyText(Text):
    """Text; a number or a truth value is not taken for it."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text, or refuse."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ItemIn(StrictSerializer):
    """An amount of a pool's month, or a quantity with its price; who stated it, and the paper."""

    campus = Text(max_length=40)
    pool = Text(max_length=40)
    period = serializers.RegexField(r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z")
    label = Text(max_length=200)
    source = Text(max_length=200)
    evidence = Text(max_length=200)
    amount_usd = Text(max_length=40, required=False)
    quantity = Text(max_length=40, required=False)
    unit = Text(max_length=20, required=False, default="", allow_blank=True)
    rate = Text(max_length=40, required=False)


class EventIn(StrictSerializer):
    """An event of a contract; `replaces` is the id of the one that it corrects."""

    documents = frozenset({"values"})
    contract = Text(max_length=50)
    kind = Text(max_length=40)
    start_utc = Text(max_length=40)
    end_utc = Text(max_length=40, required=False)
    values = serializers.DictField(child=OnlyText(max_length=400), required=False, default=dict)
    reason = Text(max_length=1000)
    replaces = Text(max_length=18, required=False)


class ReasonIn(StrictSerializer):
    """Why it does not count any more."""

    reason = Text(max_length=1000)


class Entered(Starts):
    """A list to which a POST adds one row at once."""

    body: type[StrictSerializer]

    def post(self, request: Request) -> Response:
        """Write it down once, and answer with the row."""
        self.check_write(request)
        fields = self.said(self.body, request.data)
        person = Actor.of_user(self.principal.person)

        def effect() -> tuple[dict[str, Any], str]:
            key = str(self.enter(fields, person).pk)
            row = found(self.resource, self.principal, key)
            return dict(self.resource.serializer(row).data), f"{request.path}/{key}"

        return once(request, self.principal, fields, effect, status=201)

    def enter(self, fields: Mapping[str, Any], actor: Actor) -> Any:
        """Return the new row; DomainError when it cannot be."""
        raise NotImplementedError


class Items(Entered):
    """Amounts of pools of money; POST one of a month."""

    resource = sharing.ITEMS
    write_verb = "settlement.edit"
    body = ItemIn

    def enter(self, fields: Mapping[str, Any], actor: Actor) -> Any:
        """Enter the amount; the campus month is divided anew."""
        rows = MoneyPool.objects.select_related("campus", "operator")
        pool = rows.filter(campus__code=fields["campus"], code=fields["pool"]).first()
        if pool is None:
            raise Refused("unknown", "There is no such pool on this campus.", pointer="/pool")
        entry = Entry(
            label=fields["label"],
            source=fields["source"],
            evidence=fields["evidence"],
            amount_usd=_number(fields, "amount_usd"),
            quantity=_number(fields, "quantity"),
            unit=fields["unit"],
            rate=_number(fields, "rate"),
        )
        month = read_month(fields["period"], pool.campus.zone)
        return enter_item(pool, month, entry, actor=actor, now=now())


class Events(Entered):
    """Events of contracts; POST one, or the correction of one."""

    resource = happened.EVENTS
    write_verb = "contracts.edit"
    body = EventIn

    def enter(self, fields: Mapping[str, Any], actor: Actor) -> Any:
        """Record the event; runs that read it are flagged."""
        contract = Contract.objects.filter(code=fields["contract"]).first()
        if contract is None:
            raise Refused("unknown", "There is no such contract.", pointer="/contract")
        return record_event(
            contract,
            kind=fields["kind"],
            start_utc=instant(fields["start_utc"]),
            end_utc=instant(fields["end_utc"]) if "end_utc" in fields else None,
            values=fields["values"],
            reason=fields["reason"],
            replaces=_replaced(contract, fields.get("replaces")),
            actor=actor,
            now=now(),
        )


class WithdrawItem(Decision):
    """Take an amount out of a pool's month; it stays readable."""

    resource, staff_verb, write_verb = sharing.ITEMS, "settlement.view", "settlement.edit"
    body = ReasonIn

    def decide(self, row: Any, said: dict[str, Any], actor: Actor) -> None:
        """Withdraw it; the campus month is divided anew."""
        withdraw_item(row, **said, actor=actor, now=now())


class WithdrawEvent(Decision):
    """Say that an event did not happen; it stays readable."""

    resource, staff_verb, write_verb = happened.EVENTS, "contracts.view", "contracts.edit"
    body = ReasonIn

    def decide(self, row: Any, said: dict[str, Any], actor: Actor) -> None:
        """Withdraw it; runs that read it are flagged."""
        withdraw_event(row, **said, actor=actor, now=now())


def _number(fields: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a decimal of the body; Refused names its place."""
    try:
        return read_number(fields.get(name, ""))
    except Refused as fault:
        raise Refused("invalid", fault.message, pointer=f"/{name}") from fault


def _replaced(contract: Contract, said: str | None) -> Any:
    """Return the event that is corrected; Refused for one of another contract."""
    if said is None:
        return None
    row = contract.events.filter(pk=said).first() if said.isascii() and said.isdecimal() else None
    if row is None:
        text = "There is no such event of this contract."
        raise Refused("unknown", text, pointer="/replaces")
    return row
