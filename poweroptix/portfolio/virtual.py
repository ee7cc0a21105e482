"""The section of virtual channels: definitions by instant, through the service that checks them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from meters.models import Channel, DefinitionMethod
from meters.queries.definitions import in_force
from meters.services.virtual.checking import Order
from meters.services.virtual.definitions import define
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.agreements import as_text
from poweroptix.portfolio.changes import CREATE, SAME, UPDATE, Change
from poweroptix.portfolio.rows import find, known_fields, required

SECTION = "virtual_channels"
FIELDS = {"channel", "from", "method", "expression", "parameters", "metered", "opposite",
          "cut_longer", "comment"}  # fmt: skip


def apply_virtual(item: Mapping[str, Any], where: str, actor: Actor, now: datetime) -> list[Change]:
    """Define a channel from an instant on; the same definition again changes nothing."""
    known_fields(item, FIELDS, where)
    code, begins = required(item, where, "channel", "from")
    channel = find(Channel, code, item, f"{where}.channel")
    order = Order(
        channel=channel,
        from_utc=_instant(begins, f"{where}.from"),
        method=str(item.get("method") or DefinitionMethod.FORMULA),
        expression=str(item.get("expression") or ""),
        parameters=as_text(item.get("parameters") or {}),
        metered=str(item.get("metered") or ""),
        opposite=str(item.get("opposite") or ""),
        cut_longer=item.get("cut_longer") is True,
        comment=str(item.get("comment") or ""),
    )
    before = in_force(channel, order.from_utc)
    try:
        made = define(order, actor=actor, now=now)
    except Refused as refused:
        told = [f"{where}.{one.where}: {one.message}" for one in refused.findings]
        raise Refused(refused.code, "; ".join(told) or f"{where}: {refused.message}") from refused
    key = f"{code} {made.valid.lower:%Y-%m-%dT%H:%MZ}"
    if before is None:
        return [Change(SECTION, key, CREATE)]
    if before.row.pk == made.pk:
        return [Change(SECTION, key, SAME)]
    after = in_force(channel, order.from_utc)
    return [Change(SECTION, key, UPDATE, {"rule": (before.rule, after.rule if after else "")})]


def as_item(code: str, told) -> dict[str, Any]:
    """Return a definition as an item of a document, which `apply_virtual` reads back."""
    row = told.row
    item = {"channel": code, "from": row.valid.lower.isoformat(), "method": row.method}
    if row.formula:
        item["expression"] = told.rule
    else:
        item |= {"parameters": row.parameters, "metered": told.metered}
        item |= {"opposite": told.opposite} if told.opposite else {}
    item |= {"cut_longer": True} if row.cut_longer else {}
    return item | ({"comment": row.comment} if row.comment else {})


def _instant(raw: Any, where: str) -> datetime:
    """Return an instant with its offset; documents name no local times."""
    try:
        moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
    except ValueError as error:
        text = f"{where}: '{raw}' is not an ISO date and time"
        raise Refused("portfolio.value", text) from error
    if moment.tzinfo is None:
        raise Refused("portfolio.value", f"{where}: '{raw}' needs an offset or Z")
    return moment.astimezone(UTC)
