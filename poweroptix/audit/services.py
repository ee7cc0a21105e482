"""The one verb of the audit trail: record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.canonical import canonical_json, sha256

_request_id: ContextVar[str] = ContextVar("poweroptix_request_id", default="")


@contextmanager
def request_scope(request_id: str):
    """Write `request_id` into every event recorded inside; middleware and commands open it."""
    token = _request_id.set(request_id[:64])
    try:
        yield
    finally:
        _request_id.reset(token)


def record(
    action: str,
    obj: Any,
    *,
    actor: Actor | str,
    reason: str = "",
    before: Mapping | None = None,
    after: Mapping | None = None,
    tenant_id: int | None = None,
) -> AuditEvent:
    """Add an event to the trail, in the caller's transaction.

    `obj` is a model instance or a pair (type, id). `before` and `after` hold changed fields only;
    decimals, instants and enums become text as in canonical JSON. Without `tenant_id` the
    object's own tenant is taken. A plain string as actor means the system under that name.

    Raises Refused when `before` or `after` holds a float: amounts are never floats.
    """
    event = _event(action, obj, actor, reason, before, after, tenant_id)
    event.save(force_insert=True)
    return event


def record_each(
    action: str,
    objects: Iterable[tuple[Any, Mapping]],
    *,
    actor: Actor | str,
    reason: str = "",
) -> None:
    """Add an event per (object, after) in one statement, as `record` does for one."""
    AuditEvent.objects.bulk_create(
        _event(action, obj, actor, reason, None, after, None) for obj, after in objects
    )


def _event(
    action: str,
    obj: Any,
    actor: Actor | str,
    reason: str,
    before: Mapping | None,
    after: Mapping | None,
    tenant_id: int | None,
) -> AuditEvent:
    """Return the event with its digest, not yet stored."""
    who = Actor.system(actor) if isinstance(actor, str) else actor
    kind, key, label = describe(obj)
    event = AuditEvent(
        actor_kind=who.kind,
        actor_id=who.id,
        actor_name=who.name[:150],
        action=action,
        object_type=kind,
        object_id=key,
        object_label=label[:200],
        tenant_id=tenant_id if tenant_id is not None else getattr(obj, "tenant_id", None),
        before=_plain(before),
        after=_plain(after),
        reason=reason,
        request_id=_request_id.get(),
    )
    event.digest = digest(event)
    return event


def describe(obj: Any) -> tuple[str, str, str]:
    """Return type, id and label of what an event is about.

    >>> describe(("meters.channel_day", "17/2026-03-01"))
    ('meters.channel_day', '17/2026-03-01', '17/2026-03-01')
    """
    if isinstance(obj, tuple):
        return str(obj[0]), str(obj[1]), str(obj[1])
    return obj._meta.label_lower, str(obj.pk), str(obj)


def digest(event: AuditEvent) -> str:
    """Return the sha256 of everything an event says, except its number and time."""
    said = {
        name: getattr(event, name)
        for name in (
            "actor_kind",
            "actor_id",
            "actor_name",
            "action",
            "object_type",
            "object_id",
            "object_label",
            "tenant_id",
            "before",
            "after",
            "reason",
            "request_id",
        )
    }
    return sha256(canonical_json(said))


def _plain(document: Mapping | None) -> Any:
    if document is None:
        return None
    return json.loads(canonical_json(dict(document)))
