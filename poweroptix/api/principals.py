"""Who is asking: a token, or a person who looks at the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from poweroptix.accounts.models import ApiToken, User
from poweroptix.accounts.permissions import may
from poweroptix.audit.actor import Actor

REALM = 'Bearer realm="PowerOptix"'


@dataclass(frozen=True)
class Principal:
    """A token or a person, with the rows in reach: `tenant_id` is None for staff."""

    who: ApiToken | User

    is_authenticated = True
    is_active = True

    @property
    def tenant_id(self) -> int | None:
        """Return whose rows these are; None for everybody's."""
        return self.who.tenant_id

    @property
    def pk(self) -> int:
        """Return the id of the token or person."""
        return self.who.pk

    @property
    def actor(self) -> Actor:
        """Return the actor that services and the audit trail name."""
        if isinstance(self.who, ApiToken):
            return Actor.of_token(self.who)
        return Actor.of_user(self.who)

    @property
    def person(self) -> User:
        """Return the person that answers for what is done: of a token its creator."""
        return self.who.created_by if isinstance(self.who, ApiToken) else self.who

    @property
    def key(self) -> str:
        """Return what tells this principal from every other one."""
        return f"{self.actor.kind}:{self.pk}"

    @property
    def token_prefix(self) -> str:
        """Return the first characters of the token; empty for a person."""
        return self.who.prefix if isinstance(self.who, ApiToken) else ""

    def may(self, *verbs: str) -> bool:
        """Whether one of the verbs is allowed."""
        return any(may(self.who, verb) for verb in verbs)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer pox_...`; the database scope was opened for it before the view."""

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        """Return the token as principal; None without a header."""
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        token = getattr(request._request, "api_token", None)
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return Principal(token), token

    def authenticate_header(self, _request: Request) -> str:
        """Return what a client without a token is told to bring."""
        return REALM


class PersonAuthentication(SessionAuthentication):
    """The session of the pages, for trying the API from its documentation."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """Return the logged-in person as principal."""
        found = super().authenticate(request)
        return None if found is None else (Principal(found[0]), None)
