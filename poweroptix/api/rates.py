"""How many requests a minute: per token, per person, and per address of who is neither.

Counts are kept in the cache of the process (docs/decisions/0012-api-limits.md), so they hold per
web process. A refused request counts as well: who hammers stays out until the minute ends.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from poweroptix.clock import now

WINDOW_SECONDS = 60
#: A person's session and all tokens it made, together, as a multiple of one token's rate.
PERSON_TIMES = 2
#: A visitor without a valid token, as a part of one token's rate.
VISITOR_PART = 10


class PerMinute(BaseThrottle):
    """Counts requests of one caller in the running minute of the clock."""

    left = 0.0

    def caller(self, request: Request) -> tuple[str, int]:
        """Return who is counted and how often it may ask; an empty name is not counted here."""
        raise NotImplementedError

    def allow_request(self, request: Request, _view: Any) -> bool:
        """Count the request; False when it is one too many."""
        name, most = self.caller(request)
        if not name or settings.API_PER_MINUTE <= 0:
            return True
        window, spent = divmod(now().timestamp(), WINDOW_SECONDS)
        self.left = WINDOW_SECONDS - spent
        key = f"api-rate:{name}:{int(window)}"
        cache.add(key, 0, WINDOW_SECONDS)
        try:
            return cache.incr(key) <= most
        except ValueError:  # a full cache has just thrown the counter away
            return True

    def wait(self) -> float:
        """Return the seconds until the next minute."""
        return self.left


class PerToken(PerMinute):
    """One token, or one person's session."""

    def caller(self, request: Request) -> tuple[str, int]:
        """Return the principal."""
        return getattr(request.user, "key", ""), settings.API_PER_MINUTE


class PerPerson(PerMinute):
    """Everything that one person answers for, so that more tokens are not more requests."""

    def caller(self, request: Request) -> tuple[str, int]:
        """Return the person behind the token or session."""
        person = getattr(request.user, "person", None)
        name = f"person:{person.pk}" if person else ""
        return name, settings.API_PER_MINUTE * PERSON_TIMES


class PerAddress(PerMinute):
    """Visitors without a valid token: who tries keys is stopped soon."""

    def caller(self, request: Request) -> tuple[str, int]:
        """Return the address of who has no token."""
        known = getattr(request.user, "is_authenticated", False)
        name = "" if known else f"address:{self.get_ident(request)}"
        return name, max(settings.API_PER_MINUTE // VISITOR_PART, 1)


ALL = (PerToken, PerPerson, PerAddress)
