"""Stages of long work: those of a job, or plain transactions when no job drives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import transaction


class Steps(Protocol):
    """What services need of a job: `poweroptix.jobs.context.JobContext` has it."""

    def stage(self, number: int, label: str = "", done: int = 0, total: int = 0) -> Any:
        """Open stage `number`; yields False when an earlier attempt finished it."""


class PlainSteps:
    """Stages outside a job: each is a transaction, none was done before."""

    @contextmanager
    def stage(self, number: int, label: str = "", done: int = 0, total: int = 0) -> Iterator[bool]:
        """Run the body in a transaction."""
        with transaction.atomic():
            yield True
