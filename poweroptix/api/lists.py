"""Lists and objects: filters that refuse what they do not know, and cursors that stay stable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from poweroptix.api import rates
from poweroptix.api.conditional import conditional
from poweroptix.api.parsing import StrictJSONParser, check_text
from poweroptix.api.principals import PersonAuthentication, Principal, TokenAuthentication
from poweroptix.api.problem import handle
from poweroptix.kernel.errors import Refused

DEFAULT_LIMIT, MOST_LIMIT = 100, 500
_INSTANT = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}([Zz]|[-+][0-9]{2}:?[0-9]{2})\Z"
)
_PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])\Z")
Rows = Callable[[Principal], QuerySet]


@dataclass(frozen=True)
class Resource:
    """A kind of object: how it is named, read, filtered and guarded.

    `staff` and `tenant` are the verbs that open it; without a `tenant` verb a tenant's token is
    told that the resource is not for it.
    """

    name: str
    title: str
    serializer: type[Serializer]
    rows: Rows
    staff: str
    tenant: str = ""
    key: str = "pk"
    filters: Mapping[str, str] = field(default_factory=dict)


class ApiView(APIView):
    """What every address of the API does alike."""

    authentication_classes = (TokenAuthentication, PersonAuthentication)
    permission_classes = ()
    throttle_classes = rates.ALL
    parser_classes: tuple[type[BaseParser], ...] = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    http_method_names = ("get", "post")
    staff_verb, tenant_verb = "", ""
    parameters: frozenset[str] = frozenset()

    def get_exception_handler(self):
        """Return what turns exceptions into problems."""
        return handle

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer, with the version of what was read."""
        return conditional(request, super().dispatch(request, *args, **kwargs))

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks; a wrong token counts against its address."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            self.check_throttles(request)
            raise

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, what for, and that every parameter is known."""
        super().initial(request, *args, **kwargs)
        if not getattr(request.user, "is_authenticated", False):
            raise self._anonymous()
        self.principal: Principal = request.user
        verbs = (self.staff_verb,)
        if self.principal.tenant_id is not None:
            if not self.tenant_verb:
                raise PermissionDenied("This is for the operator's own tokens.")
            verbs = (self.staff_verb, self.tenant_verb)
        if not self.principal.may(*verbs):
            raise PermissionDenied(f"This takes a scope or role that allows {self.staff_verb}.")
        check_parameters(request, self.parameters)

    @staticmethod
    def _anonymous() -> NotAuthenticated:
        return NotAuthenticated("Send a token: Authorization: Bearer pox_...")

    def finalize_response(self, request, response, *args, **kwargs):
        """Keep answers out of shared caches."""
        response.setdefault("Cache-Control", "private, no-store")
        return super().finalize_response(request, response, *args, **kwargs)


def check_parameters(request: Request, known: frozenset[str]) -> None:
    """Refuse a parameter that nobody reads, one given twice, and text that cannot be stored."""
    for name, values in request.query_params.lists():
        check_text([name, *values])
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            text = f"There is no parameter '{name[:60]}' here; known: {listed}."
            raise Refused("unknown_parameter", text, pointer=f"?{name[:60]}")
        if len(values) > 1:
            raise Refused("parameter_twice", f"'{name}' is given more than once.")


class ListView(ApiView):
    """All objects of a resource in reach, page by page."""

    resource: Resource

    def get(self, request: Request, **kwargs: Any) -> Response:
        """Return one page: data, next_cursor, has_more."""
        rows = narrowed(self.resource.rows(self.principal), self.resource.filters, request, kwargs)
        return page(request, rows, self.resource.serializer, self.resource.name)


class ObjectView(ApiView):
    """One object of a resource."""

    resource: Resource

    def get(self, request: Request, key: str) -> Response:
        """Return it; 404 for what is unknown and for what is somebody else's."""
        return Response(self.resource.serializer(found(self.resource, self.principal, key)).data)


def found(resource: Resource, principal: Principal, key: str) -> Any:
    """Return the row that a key names; Http404 otherwise."""
    check_text(key)
    if resource.key == "pk" and (not key.isascii() or not key.isdecimal() or len(key) > 18):
        raise Http404
    row = resource.rows(principal).filter(**{resource.key: key}).first()
    if row is None:
        raise Http404
    return row


def narrowed(
    rows: QuerySet, filters: Mapping[str, str], request: Request, fixed: Mapping[str, Any]
) -> QuerySet:
    """Apply the filters that the address names."""
    for name, lookup in filters.items():
        text = request.query_params.get(name)
        if text is not None:
            value = _value(name, text)
            _check_choice(rows.model, name, lookup, text)
            rows = rows.filter(**{lookup: value})
    return rows.filter(**fixed)


def _check_choice(model: type[Model], name: str, lookup: str, text: str) -> None:
    """Refuse a value that a column of choices never has; an unknown code only finds nothing."""
    if lookup not in {one.name for one in model._meta.concrete_fields}:
        return
    known = [str(value) for value, _label in model._meta.get_field(lookup).flatchoices]
    if known and text not in known:
        told = f"'{text[:60]}' is no {name}; known: {', '.join(sorted(known))}."
        raise Refused("parameter", told, pointer=f"?{name}")


def _value(name: str, text: str) -> Any:
    if name == "period":
        if not _PERIOD.fullmatch(text):
            raise Refused("parameter", f"'{text[:20]}' is not a month like 2026-03.")
    elif name.endswith(("_since", "_before")):
        return instant(text)
    elif name.endswith("_id") and not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Refused("parameter", f"'{text[:20]}' is not an id.")
    elif len(text) > 200:
        raise Refused("parameter", f"'{name}' is longer than 200 characters.")
    return text


def instant(text: str) -> datetime:
    """Return an instant of ISO text with an offset; Refused otherwise.

    >>> instant("2026-03-01T06:00:00Z").isoformat()
    '2026-03-01T06:00:00+00:00'
    """
    text = text.replace(" ", "+")  # a plus sign that was not encoded
    shown = text[:40]
    try:
        given = datetime.fromisoformat(text) if _INSTANT.fullmatch(text) else None
    except ValueError:
        given = None
    if given is None:
        told = f"'{shown}' is not an instant with an offset, such as 2026-03-01T06:00:00Z."
        raise Refused("parameter", told)
    if not 1990 <= given.year <= 2200:
        raise Refused("parameter", f"'{shown}' lies outside the years 1990 to 2200.")
    return given.astimezone(UTC)


def page(request: Request, rows: QuerySet, serializer: type[Serializer], name: str) -> Response:
    """Return one page in the order of ids; new rows never shift what was already read."""
    limit = limit_of(request.query_params.get("limit"))
    after = after_of(request.query_params.get("cursor"), name)
    shown = list(rows.filter(pk__gt=after).order_by("pk")[: limit + 1])
    more, shown = len(shown) > limit, shown[:limit]
    cursor = signing.dumps([name, shown[-1].pk], salt="api.cursor") if more else None
    answer = Response(
        {"data": serializer(shown, many=True).data, "next_cursor": cursor, "has_more": more}
    )
    if cursor:
        query = request.query_params.dict() | {"cursor": cursor}
        answer["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    return answer


def limit_of(text: str | None) -> int:
    """Return how many rows a page has; Refused for what is no count."""
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 19 and int(text) > 0):
        raise Refused("parameter", "'limit' is a whole number from 1 to 500.")
    return min(int(text), MOST_LIMIT)


def after_of(text: str | None, name: str) -> int:
    """Return behind which row a page begins; Refused for a cursor of another list."""
    if text is None:
        return 0
    try:
        kind, after = signing.loads(text, salt="api.cursor")
    except (signing.BadSignature, ValueError, TypeError) as fault:
        raise Refused("cursor", "This cursor is not one of ours.") from fault
    if kind != name:
        raise Refused("cursor", "This cursor belongs to another list.")
    return int(after)
