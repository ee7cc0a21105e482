"""What all portal pages share: who may open one, and how a month in the address is read."""

import re
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.mixins import AccessMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.access import OwnChannel, newest_reading, not_yours, own_channels
from poweroptix.accounts.permissions import may
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.guards import answered

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])\Z")


class TenantPage(AccessMixin):
    """A page for people of a tenant; staff and foreign objects get the same 404 as the unknown."""

    verb: ClassVar[str] = "portal.view"
    known_parameters: ClassVar[frozenset[str] | None] = frozenset()
    http_method_names: ClassVar[list[str]] = ["get", "head"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the person, then turn a refusal of the domain into a page that says it."""
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        return answered(request, lambda: self._answer(request, *args, **kwargs))

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        known = self.known_parameters
        if request.user.tenant_id is None or (known is not None and set(request.GET) - known):
            raise not_yours()
        if not may(request.user, self.verb):
            message = f"Your role ({request.user.get_role_display()}) does not include this page."
            return render(request, "403.html", {"message": message}, status=403)
        return super().dispatch(request, *args, **kwargs)

    @property
    def tenant_id(self) -> int:
        """Return whose rows these are."""
        return self.request.user.tenant_id


def month_of(text: str | None, zone: str, default: str) -> Period:
    """Return the month that an address names; the refusal of unknown things for anything else."""
    label = text or default
    if not _MONTH.fullmatch(label):
        raise not_yours()
    try:
        return Period.month(zone, label)
    except DomainError as fault:
        raise not_yours() from fault


def around(period: Period) -> dict[str, Any]:
    """Return the month for a page: itself, the one before, the one after, its name in words."""
    return {
        "period": period,
        "title": month_title(period.label),
        "previous": period.previous().label,
        "next": period.next().label,
    }


def month_title(label: str) -> str:
    """Return a month in words.

    >>> month_title("2026-03")
    'March 2026'
    """
    return date.fromisoformat(f"{label}-01").strftime("%B %Y")


def channels_and_end(tenant_id: int) -> tuple[list[OwnChannel], datetime | None]:
    """Return the tenant's channels and the end of their newest final reading."""
    channels = own_channels(tenant_id)
    return channels, newest_reading(channels) if channels else None


def month_label(end: datetime | None, zone: str) -> str:
    """Return the local month in which the newest reading lies; empty without one.

    >>> from datetime import UTC
    >>> month_label(datetime(2026, 4, 1, 5, tzinfo=UTC), "America/Chicago")
    '2026-03'
    """
    if end is None:
        return ""
    return f"{(end - timedelta(microseconds=1)).astimezone(zone_of(zone)):%Y-%m}"
