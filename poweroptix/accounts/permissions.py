"""Which role may do what: one table, one question, one refusal.

Services ask `require(actor, "settlement.approve")`; pages ask `may(...)` to decide what to show.
A verb that is not in the table is a programming error, never a silent yes.
"""

from __future__ import annotations

from typing import Any

from poweroptix.accounts.models import STAFF_ROLES, ApiToken, User
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Forbidden

_EVERYBODY = frozenset(STAFF_ROLES)
_OPERATOR, _ANALYST = frozenset({"operator"}), frozenset({"analyst"})
_APPROVER, _BILLING = frozenset({"approver"}), frozenset({"billing"})
_ADMIN, _AUDITOR = frozenset({"administrator"}), frozenset({"auditor"})

VERBS: dict[str, frozenset[str]] = {
    "meters.view": _EVERYBODY,
    "meters.import": _OPERATOR | _ANALYST | _ADMIN,
    "meters.validate": _OPERATOR | _ANALYST | _ADMIN,
    "meters.accept": _OPERATOR | _ANALYST,
    "meters.edit": _OPERATOR | _ANALYST,
    "meters.map": _OPERATOR | _ANALYST | _ADMIN,
    "meters.configure": _OPERATOR | _ADMIN,
    "contracts.view": _EVERYBODY,
    "contracts.edit": _ANALYST | _ADMIN,
    "contracts.activate": _APPROVER | _ADMIN,
    "contracts.publish_index": _OPERATOR | _ANALYST | _ADMIN,
    "settlement.view": _EVERYBODY,
    "settlement.edit": _ANALYST,
    "settlement.allocate": _ANALYST,
    "settlement.run": _ANALYST,
    "settlement.submit": _ANALYST,
    "settlement.approve": _APPROVER,
    "settlement.reject": _APPROVER,
    "settlement.verify": _EVERYBODY,
    "esg.view": _EVERYBODY,
    "esg.edit": _ANALYST | _ADMIN,
    "esg.run": _ANALYST,
    "billing.view": _EVERYBODY,
    "billing.edit": _BILLING,
    "billing.draft": _BILLING | _ANALYST,
    "billing.issue": _BILLING,
    "billing.void": _BILLING,
    "billing.pay": _BILLING,
    "billing.dispute": _BILLING | _ANALYST,
    "jobs.view": _EVERYBODY,
    "jobs.edit": frozenset(),
    "jobs.retry": _OPERATOR | _ANALYST | _BILLING | _ADMIN,
    "jobs.cancel": _OPERATOR | _ANALYST | _BILLING | _ADMIN,
    "audit.view": _AUDITOR | _ADMIN | _APPROVER,
    "audit.edit": frozenset(),
    "audit.export": _AUDITOR | _ADMIN,
    "accounts.view": _ADMIN | _AUDITOR,
    "accounts.edit": _ADMIN,
    "accounts.manage": _ADMIN,
    "data.import": _OPERATOR | _ANALYST | _ADMIN,
    "data.export": _EVERYBODY,
    "portal.view": frozenset({"owner", "finance", "energy", "readonly"}),
    "portal.invoices": frozenset({"owner", "finance", "readonly"}),
    "portal.energy": frozenset({"owner", "finance", "energy", "readonly"}),
    "portal.carbon": frozenset({"owner", "finance", "energy", "readonly"}),
    "portal.dispute": frozenset({"owner", "finance"}),
    "portal.people": frozenset({"owner"}),
    "portal.tokens": frozenset({"owner"}),
}

#: Verbs that name a part of the portal instead of a deed.
PORTAL_PARTS = frozenset(
    f"portal.{part}" for part in ("invoices", "energy", "carbon", "people", "tokens")
)

SCOPES: dict[str, frozenset[str]] = {
    "readings:read": frozenset({"meters.view", "portal.energy"}),
    "readings:write": frozenset({"meters.view", "meters.import"}),
    "findings:write": frozenset({"meters.view", "meters.accept"}),
    "contracts:read": frozenset({"contracts.view"}),
    "events:write": frozenset({"contracts.view", "contracts.edit"}),
    "pools:write": frozenset({"settlement.view", "settlement.edit"}),
    "prices:write": frozenset({"contracts.publish_index"}),
    "settlement:read": frozenset({"settlement.view", "settlement.verify"}),
    "settlement:write": frozenset(
        {"settlement.view", "settlement.allocate", "settlement.run", "settlement.submit"}
    ),
    "statements:read": frozenset({"billing.view", "portal.view", "portal.invoices"}),
    "billing:write": frozenset({"billing.view", "billing.draft", "billing.pay"}),
    "carbon:read": frozenset({"esg.view", "portal.carbon"}),
    "disputes:write": frozenset({"billing.dispute", "portal.dispute"}),
    "jobs:read": frozenset({"jobs.view"}),
}


def may(who: Any, verb: str) -> bool:
    """Whether `who` (User, ApiToken or Actor) may do `verb`.

    The system and its jobs may do everything: what a person asked for was checked when it was
    asked. A superuser may do every staff verb. Raises LookupError for an unknown verb.
    """
    if verb not in VERBS:
        raise LookupError(f"no verb {verb!r} in poweroptix.accounts.permissions.VERBS")
    if isinstance(who, Actor):
        return _actor_may(who, verb)
    if isinstance(who, ApiToken):
        return any(verb in SCOPES.get(scope, frozenset()) for scope in who.scopes)
    if not getattr(who, "is_authenticated", False) or not who.is_active:
        return False
    if who.is_superuser:
        return not verb.startswith("portal.")
    return who.role in VERBS[verb]


def require(who: Any, verb: str) -> None:
    """Raise Forbidden unless `who` may do `verb`."""
    if may(who, verb):
        return
    roles = sorted(VERBS[verb])
    area, _dot, act = verb.partition(".")
    doing = f"use {act}" if verb in PORTAL_PARTS else act.replace("_", " ")
    needed = (
        f"it takes the role {roles[0]}"
        if len(roles) == 1
        else f"it takes one of the roles {', '.join(roles)}"
        if roles
        else "nobody may"
    )
    raise Forbidden(
        "accounts.forbidden",
        f"{_name(who)} may not {doing} in {area}; {needed}.",
        verb=verb,
    )


def _actor_may(actor: Actor, verb: str) -> bool:
    if actor.kind in ("system", "job"):
        return True
    if actor.kind == "token":
        token = ApiToken.objects.filter(pk=actor.id).first()
        return token is not None and may(token, verb)
    user = User.objects.filter(pk=actor.id).first()
    return user is not None and may(user, verb)


def _name(who: Any) -> str:
    if isinstance(who, Actor | ApiToken):
        return who.name
    return getattr(who, "username", "") or "Nobody"
