"""Database scopes: who may see which rows for the length of a transaction.

The web login has no rights of its own. `staff_scope()` and `portal_scope()` open a transaction
and take on the role poweroptix_app or poweroptix_portal until it ends, so code that forgets to
open one reads nothing. Row policies do the rest.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from poweroptix.db.rules import APP, PORTAL
from poweroptix.kernel.errors import DomainError

View = TypeVar("View", bound=Callable[..., Any])
_SETTINGS = ("app.tenant_id", "app.channels")


class ScopeError(DomainError):
    """The program tried to leave the scope it runs in; a fault of ours, never of the visitor."""

    http_status = 500


@dataclass(frozen=True)
class Scope:
    """The rows in reach: everything for staff (`tenant_id` is None), else one tenant's."""

    role: str
    tenant_id: int | None = None


_current: ContextVar[Scope | None] = ContextVar("poweroptix_scope", default=None)


def current_scope() -> Scope | None:
    """Return the scope that is open here, or None."""
    return _current.get()


@contextmanager
def staff_scope() -> Iterator[Scope]:
    """Run a transaction with the rights of the staff.

    Raises ScopeError inside a tenant's scope.
    """
    with _transaction(Scope(APP), ()) as scope:
        yield scope


@contextmanager
def portal_scope(tenant_id: int, channel_ids: Iterable[int] | None = None) -> Iterator[Scope]:
    """Run a transaction in which only rows of one tenant exist.

    `channel_ids` are the channels whose readings the tenant may see. When left out, the function
    that POWEROPTIX_TENANT_CHANNELS names reads them first, with the rights of the staff: the list
    is what decides which channels the tenant's own role may see at all. It is a setting, because
    policies of distributed tables read nothing else. Raises ScopeError inside another tenant's
    scope.
    """
    with _transaction(Scope(PORTAL, int(tenant_id)), channel_ids) as scope:
        yield scope


def scope_free(view: View) -> View:
    """Mark a view that must run with the web login's own few rights, such as log-in."""
    view.scope_free = True  # type: ignore[attr-defined]
    return view


@contextmanager
def _transaction(scope: Scope, channel_ids: Iterable[int] | None) -> Iterator[Scope]:
    outer = _current.get()
    if outer is not None and outer.tenant_id is not None and outer != scope:
        raise ScopeError("scope.escape", "A tenant's scope cannot be left from within.")
    if outer == scope and not channel_ids:
        with transaction.atomic():  # already inside; the list of channels stands
            yield scope
        return
    nested = connection.in_atomic_block
    with transaction.atomic():
        before = _values() if nested else None
        _enter(scope, channel_ids)
        token = _current.set(scope)
        try:
            yield scope
        finally:
            _current.reset(token)
        if before is not None and not connection.needs_rollback:
            _restore(before)


def _enter(scope: Scope, channel_ids: Iterable[int] | None) -> None:
    if channel_ids is None:
        _set("role", APP)
        channel_ids = _channels_of(scope.tenant_id)
    _set("app.tenant_id", "" if scope.tenant_id is None else str(scope.tenant_id))
    _set("app.channels", ",".join(str(int(channel)) for channel in channel_ids))
    _set("role", scope.role)


def _values() -> dict[str, str]:
    """Read what holds before: SET LOCAL lasts to the end of the outermost transaction."""
    names = ("role", *_SETTINGS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting(%s), current_setting(%s, true), current_setting(%s, true)",
            names,
        )
        return dict(zip(names, (value or "" for value in cursor.fetchone()), strict=True))


def _restore(values: dict[str, str]) -> None:
    for name, value in values.items():
        _set(name, value)


def _set(name: str, value: str) -> None:
    """Run SET LOCAL; the role's name is an identifier, all other values are literals."""
    quoted = sql.Identifier(value) if name == "role" and value != "none" else sql.Literal(value)
    statement = sql.SQL("SET LOCAL {} = {}").format(sql.SQL(name), quoted)
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(connection.connection))


def _channels_of(tenant_id: int | None) -> Iterable[int]:
    module, _, name = settings.POWEROPTIX_TENANT_CHANNELS.rpartition(".")
    if not module or find_spec(module) is None:
        return ()
    function = getattr(import_module(module), name, None)
    return function(tenant_id) if function is not None else ()
