"""What a handler gets: its payload, stages that commit effect and checkpoint together, progress."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from poweroptix.audit.actor import Actor
from poweroptix.jobs import ledger
from poweroptix.jobs.kinds import JobKind
from poweroptix.jobs.ledger import Claim
from poweroptix.kernel.canonical import canonical_json

log = logging.getLogger(__name__)


class LostLeaseError(Exception):
    """Another worker holds the job now; this one must stop and write nothing."""


class CancelledError(Exception):
    """Somebody asked the job to stop, and it has come to a safe point."""


class PausedError(Exception):
    """The doorbell's time is up; the job goes on at the next stage in a moment."""


def no_point(name: str) -> None:
    """Do nothing at a named point of the run; tests put their failures here."""


class JobContext:
    """One claim of a job, as its handler sees it.

    `now` is the database's clock at the claim; `requested_at` is when the job was asked for and
    the same in every attempt. `saved` is the result as far as earlier attempts committed it.
    """

    def __init__(
        self,
        claim: Claim,
        kind: JobKind,
        *,
        lease_seconds: int,
        deadline: float | None = None,
        at_point: Callable[[str], None] = no_point,
    ):
        self._claim, self._kind, self._lease = claim, kind, lease_seconds
        self._deadline, self._point = deadline, at_point
        self._result: dict[str, Any] | None = None
        self._progress = {"done": 0, "total": 0, "label": ""}
        self._in_stage = False
        self._moved = False
        self.stages_done = claim.stage
        self.payload = claim.payload
        self.saved = claim.result or {}

    @property
    def job_id(self) -> int:
        """The job's id."""
        return self._claim.id

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._claim.attempts

    @property
    def tenant_id(self) -> int | None:
        """The tenant for whom the job works, if any."""
        return self._claim.tenant_id

    @property
    def created_by_id(self) -> int | None:
        """The person who asked for the job, if any."""
        return self._claim.created_by_id

    @property
    def now(self) -> datetime:
        """The database's clock when this attempt began."""
        return self._claim.claimed_at

    @property
    def requested_at(self) -> datetime:
        """When the job was enqueued: the same instant in every attempt."""
        return self._claim.created_at

    @property
    def actor(self) -> Actor:
        """The job as actor of the audit trail."""
        return Actor.of_job(self._claim)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the job to stop; long stages may look now and then."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM jobs_cancelrequest WHERE job_id = %s", [self.job_id])
            return cursor.fetchone() is not None

    @contextmanager
    def stage(self, number: int, label: str = "", done: int = 0, total: int = 0) -> Iterator[bool]:
        """Do one stage: its effects and the checkpoint are one commit.

        Yields whether there is anything to do. A stage that an earlier attempt finished yields
        False, and whatever its body writes is undone: write `if todo:` or use `step`. Numbers
        rise from 1. `done` and `total` are the progress after this stage.
        """
        if self._in_stage:
            raise RuntimeError("a stage cannot begin inside another stage")
        if self._deadline is not None and self._moved and time.monotonic() > self._deadline:
            raise PausedError
        self._in_stage = True
        try:
            with transaction.atomic():
                todo = self._open(number)
                self._progress = {"done": done, "total": total, "label": label[:200]}
                yield todo
                if todo:
                    self._point("after_effect")
                    ledger.checkpoint(
                        self._claim,
                        self._lease,
                        stage=number,
                        result=self.result_json,
                        **self._progress,
                    )
                else:
                    transaction.set_rollback(True)
        finally:
            self._in_stage = False
        if todo:
            self.stages_done, self._moved = number, True
            self._point("after_commit")

    def step(self, number: int, label: str, work: Callable[[], Any], **progress: int) -> Any:
        """Call `work` in a stage of its own, unless that stage is finished; return its answer."""
        with self.stage(number, label, **progress) as todo:
            return work() if todo else None

    def progress(self, done: int, total: int, label: str = "") -> None:
        """Tell how far the work has come; inside a stage it shows when the stage commits."""
        self._progress = {"done": done, "total": total, "label": label[:200]}
        if not self._in_stage:
            with transaction.atomic():
                self._open(self.stages_done + 1)
                ledger.checkpoint(
                    self._claim, self._lease, stage=self.stages_done, result=None, **self._progress
                )

    def result(self, document: dict[str, Any]) -> None:
        """Set what the job hands back; committed with the stage, else at the end. No floats."""
        self._result = document

    @property
    def result_json(self) -> str | None:
        """The result as JSON text, or None when there is none yet."""
        return None if self._result is None else canonical_json(self._result).decode()

    def _open(self, number: int) -> bool:
        """Check that the job is still ours and wanted; return whether the stage is to be done."""
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{self._kind.statement_seconds:d}s'")
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        held = ledger.hold(self._claim)
        if held is None:
            raise LostLeaseError
        finished, asked_to_stop = held
        if asked_to_stop:
            raise CancelledError
        return number > finished


class Heartbeat:
    """A thread that extends the lease over its own connection while the handler works.

    The connection is opened at the first beat, a third of a lease after the start, so short jobs
    never open one.
    """

    def __init__(self, claim: Claim, lease_seconds: int):
        self._claim, self._lease = claim, lease_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease-{claim.id}", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        own = None
        try:
            while not self._stop.wait(self._lease / 3):
                own = own or connection.copy()
                try:
                    with own.cursor() as cursor:
                        ledger.beat(cursor, self._claim, self._lease)
                except DatabaseError:
                    log.warning("lease of job %s not extended", self._claim.id, exc_info=True)
                    own.close()
        finally:
            if own is not None:
                own.close()
