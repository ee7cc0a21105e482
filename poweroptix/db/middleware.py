"""Every request runs inside the database scope of whoever asks."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from poweroptix.accounts.services import authenticate_token
from poweroptix.clock import now
from poweroptix.db.scope import Scope, ScopeError, portal_scope, staff_scope
from poweroptix.kernel.errors import DomainError, Forbidden

_BEARER = "Bearer "


class ScopeMiddleware:
    """Runs the view in a transaction with the rights of staff or of one tenant.

    A bearer token counts before a session and replaces it: the request is then nobody's session
    (`request.user` is anonymous) and carries `request.api_token`. Visitors without either, and
    views marked `scope_free`, get no scope; the web login's own rights reach no business row.
    It must be the last middleware, because it calls the view itself: template responses are
    rendered inside, and an answer of 400 or above takes back everything that was written.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the work is done around the view."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Run the view inside its scope, or leave it to Django where there is none."""
        _take_token(request)
        if getattr(view, "scope_free", False):
            return None
        scope = _scope_of(request)
        if scope is None:
            return None
        try:
            return self._inside(scope, request, view, args, kwargs)
        except DomainError as error:
            page = self.process_exception(request, error)
            if page is None:
                raise
            return page

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a refusal with its own page and words; anything else is a fault of ours."""
        if not isinstance(error, DomainError) or error.http_status >= 500:
            return None
        context = {"message": error.message, "findings": error.findings}
        return render(request, f"{error.http_status}.html", context, status=error.http_status)

    def _inside(
        self,
        scope: AbstractContextManager[Scope],
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse:
        with scope as opened:
            response = view(request, *args, **kwargs)
            if callable(getattr(response, "render", None)):
                response = response.render()
            if opened.tenant_id is not None and response.streaming:
                raise ScopeError(
                    "scope.streaming",
                    f"{request.path} streams its answer, which would be read after the tenant's "
                    "scope has ended; answer with a complete body.",
                )
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response


def _take_token(request: HttpRequest) -> None:
    request.api_token = None  # type: ignore[attr-defined]
    header = request.headers.get("Authorization", "")
    if not header.startswith(_BEARER):
        return
    request.user = AnonymousUser()
    try:
        token = authenticate_token(header.removeprefix(_BEARER).strip(), now=now())
    except Forbidden:
        return  # the API answers 401: to it this is a visitor without a token
    request.api_token = token  # type: ignore[attr-defined]


def _scope_of(request: HttpRequest) -> AbstractContextManager[Scope] | None:
    who: Any = request.api_token or request.user  # type: ignore[attr-defined]
    if who is request.user and not who.is_authenticated:
        return None
    return staff_scope() if who.tenant_id is None else portal_scope(who.tenant_id)
