"""Verbs on tenants, people and tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from poweroptix.accounts.models import (
    STAFF_ROLES,
    TENANT_ROLES,
    TOKEN_LIFE_DAYS_MAX,
    ApiToken,
    Tenant,
    User,
)
from poweroptix.accounts.permissions import SCOPES, require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Forbidden, Refused

_USED_AGAIN_AFTER = timedelta(minutes=1)


def create_tenant(code: str, name: str, *, actor: Actor, now: datetime) -> Tenant:
    """Create a tenant; `code` is the short name in files and addresses."""
    require(actor, "accounts.manage")
    with transaction.atomic():
        tenant = Tenant(code=code, name=name, created_at=now)
        _clean(tenant)
        tenant.save()
        record("tenant.create", tenant, actor=actor, after={"code": code}, tenant_id=tenant.pk)
    return tenant


def create_user(
    username: str,
    password: str | None,
    *,
    role: str,
    actor: Actor,
    tenant: Tenant | None = None,
    email: str = "",
    is_superuser: bool = False,
    check_password: bool = True,
) -> User:
    """Create a person; without a tenant it is staff and may enter the back office.

    Without a password nobody can log in until one is set. Raises Refused when the role does not
    fit, the name is taken, or the password is weak (unless `check_password` is off, which only
    the demonstration uses).
    """
    require(actor, "accounts.manage")
    allowed = TENANT_ROLES if tenant else STAFF_ROLES
    if role not in allowed:
        raise Refused(
            "accounts.role", f"Role {role!r} does not fit; choose one of: {', '.join(allowed)}."
        )
    user = User(
        username=username,
        email=email,
        role=role,
        tenant=tenant,
        is_staff=tenant is None,
        is_superuser=is_superuser,
    )
    if password is None:
        user.set_unusable_password()
    else:
        if check_password:
            _check_password(password, user)
        user.set_password(password)
    with transaction.atomic():
        _clean(user)
        user.save()
        after = {"username": username, "role": role, "tenant": tenant.code if tenant else None}
        record("user.create", user, actor=actor, after=after)
    return user


def change_role(user: User, role: str, *, actor: Actor, reason: str) -> User:
    """Give a person another role; the change holds from the next request on."""
    require(actor, "accounts.manage")
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        before, user.role = user.role, role
        _clean(user)
        user.save(update_fields=["role"])
        record(
            "user.role",
            user,
            actor=actor,
            reason=reason,
            before={"role": before},
            after={"role": role},
        )
    return user


def deactivate_user(user: User, *, actor: Actor, reason: str) -> User:
    """Shut a person out: no log-in, running sessions end, their tokens are revoked by hand."""
    require(actor, "accounts.manage")
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)
        user.is_active = False
        user.save(update_fields=["is_active"])
        record("user.deactivate", user, actor=actor, reason=reason, after={"is_active": False})
    return user


def create_token(
    name: str,
    *,
    scopes: Sequence[str],
    created_by: User,
    now: datetime,
    actor: Actor | None = None,
    tenant: Tenant | None = None,
    expires_at: datetime | None = None,
    test: bool = False,
) -> tuple[ApiToken, str]:
    """Create a token and return it with the key, which cannot be shown again.

    It lives 90 days unless `expires_at` says otherwise, at most 365. A person of a tenant creates
    tokens of that tenant only. Raises Refused for unknown scopes and too long a life.
    """
    who = actor or Actor.of_user(created_by)
    if created_by.tenant_id is not None:
        require(created_by, "portal.tokens")
        tenant = created_by.tenant
    else:
        require(who, "accounts.manage")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Refused(
            "accounts.scopes",
            f"Unknown scopes: {', '.join(unknown) or 'none given'}; known: {', '.join(SCOPES)}.",
        )
    mode = ApiToken.Mode.TEST if test else ApiToken.Mode.LIVE
    key = f"pox_{mode}_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        name=name,
        tenant=tenant,
        mode=mode,
        prefix=key[: len(f"pox_{mode}_") + 6],
        token_sha256=token_hash(key),
        scopes=sorted(set(scopes)),
        created_by=created_by,
        created_at=now,
        expires_at=expires_at or now + timedelta(days=90),
    )
    if not now < token.expires_at <= now + timedelta(days=TOKEN_LIFE_DAYS_MAX):
        raise Refused(
            "accounts.token_life", f"A token expires within {TOKEN_LIFE_DAYS_MAX} days from now."
        )
    with transaction.atomic():
        token.save()
        after = {"name": name, "scopes": token.scopes, "expires_at": token.expires_at}
        record("token.create", token, actor=who, after=after)
    return token, key


def revoke_token(token: ApiToken, *, actor: Actor, now: datetime, reason: str = "") -> ApiToken:
    """End a token at once; revoking it again changes nothing."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().get(pk=token.pk)
        if actor.kind == "user" and not _owns(actor, token):
            require(actor, "accounts.manage")
        if token.revoked_at is None:
            token.revoked_at = now
            token.save(update_fields=["revoked_at"])
            record("token.revoke", token, actor=actor, reason=reason, after={"revoked_at": now})
    return token


def authenticate_token(key: str, *, now: datetime) -> ApiToken:
    """Return the token that `key` opens, and note its use at most once a minute.

    Raises Forbidden with one and the same message for unknown, expired and revoked keys and for
    keys whose creator was shut out.
    """
    token = (
        ApiToken.objects.select_related("tenant", "created_by")
        .filter(token_sha256=token_hash(key))
        .first()
    )
    if (
        token is None
        or token.revoked_at is not None
        or token.expires_at <= now
        or not token.created_by.is_active
    ):
        raise Forbidden("accounts.token", "This token is unknown, expired or revoked.")
    if token.last_used_at is None or now - token.last_used_at > _USED_AGAIN_AFTER:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def token_hash(key: str) -> str:
    """Return what is stored of a key; a 256-bit random key needs no salt."""
    return hashlib.sha256(key.encode()).hexdigest()


def _owns(actor: Actor, token: ApiToken) -> bool:
    person = User.objects.filter(pk=actor.id, is_active=True).first()
    return person is not None and (
        person.pk == token.created_by_id
        or (
            (person.tenant_id is not None and person.tenant_id == token.tenant_id)
            and person.role == "owner"
        )
    )


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused("accounts.password", " ".join(error.messages)) from error


def _clean(instance: Tenant | User) -> None:
    try:
        instance.full_clean()
    except ValidationError as error:
        raise Refused("accounts.invalid", " ".join(error.messages)) from error
