"""The kinds of work: each app registers its handlers in `<app>/tasks.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from django.apps import apps

from poweroptix.kernel.errors import NotFoundError

if TYPE_CHECKING:
    from poweroptix.jobs.context import JobContext

Handler = Callable[["JobContext"], None]


@dataclass(frozen=True)
class JobKind:
    """A handler and the limits it works under.

    After a failure that may pass, the job waits `retry_seconds`, then four times as long each
    time. `statement_seconds` bounds one SQL statement of a stage.
    """

    key: str
    handler: Handler
    max_attempts: int = 3
    retry_seconds: int = 30
    statement_seconds: int = 300

    @property
    def title(self) -> str:
        """First line of the handler's docstring."""
        return (self.handler.__doc__ or self.key).strip().splitlines()[0].rstrip(".")


class JobKinds:
    """Registry of job kinds; `tasks.py` of every installed app is imported on first use."""

    def __init__(self):
        self._kinds: dict[str, JobKind] = {}
        self._discovered = False

    def register(self, key: str, **limits: int) -> Callable[[Handler], Handler]:
        """Return a decorator that files a handler under `key`.

        Raises ValueError for a key that is taken and for a handler without a docstring.
        """

        def keep(handler: Handler) -> Handler:
            if key in self._kinds:
                raise ValueError(f"job kind {key!r} is registered twice")
            if not handler.__doc__:
                raise ValueError(f"job kind {key!r} needs a docstring")
            self._kinds[key] = JobKind(key, handler, **limits)
            return handler

        return keep

    def get(self, key: str) -> JobKind:
        """Return the kind; NotFoundError names the kinds there are."""
        self.discover()
        if key not in self._kinds:
            known = ", ".join(sorted(self._kinds)) or "none"
            raise NotFoundError("jobs.kind", f"There is no job kind {key!r}; known: {known}.")
        return self._kinds[key]

    def keys(self) -> tuple[str, ...]:
        """Return all keys in order."""
        self.discover()
        return tuple(sorted(self._kinds))

    def discover(self) -> None:
        """Import the `tasks` module of every installed app once."""
        if self._discovered:
            return
        self._discovered = True
        try:
            for config in apps.get_app_configs():
                if find_spec(f"{config.name}.tasks") is not None and config.name != "django_q":
                    import_module(f"{config.name}.tasks")
        except BaseException:
            self._discovered = False
            raise

    @contextmanager
    def temporarily(self, key: str, handler: Handler, **limits: int) -> Iterator[JobKind]:
        """Register for the length of a `with` block; for tests."""
        self.discover()
        before = dict(self._kinds)
        self._kinds[key] = JobKind(key, handler, **limits)
        try:
            yield self._kinds[key]
        finally:
            self._kinds = before


job_kinds = JobKinds()
