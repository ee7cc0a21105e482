"""Verbs on jobs: enqueue, run, retry, cancel, sweep.

The pattern and what it was tried against: docs/decisions/0003-jobs.md.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.db.errors import translate
from poweroptix.jobs import doorbell, ledger
from poweroptix.jobs.context import (
    CancelledError,
    Heartbeat,
    JobContext,
    LostLeaseError,
    PausedError,
    no_point,
)
from poweroptix.jobs.kinds import job_kinds
from poweroptix.jobs.ledger import Claim
from poweroptix.jobs.models import CancelRequest, Job, Recurring, Tick
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Conflict, DomainError

log = logging.getLogger(__name__)
RETRY_SECONDS_MAX = 3600
_TRACE_CHARS = 8000


@dataclass(frozen=True)
class Drained:
    """What a drain did: how many claims it worked on, and whether more work is waiting."""

    ran: int
    more: bool


def lease_seconds() -> int:
    """How long a silent worker keeps a job (setting JOBS_LEASE_SECONDS, default 90)."""
    return int(getattr(settings, "JOBS_LEASE_SECONDS", 90))


def worker_id() -> str:
    """Return a name for this process that no other worker ever had."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def enqueue(
    kind: str,
    key: str,
    payload: Mapping[str, Any] | None = None,
    *,
    tenant: Any = None,
    created_by: Any = None,
    delay_seconds: int = 0,
) -> Job:
    """Record work in the caller's transaction and ring the doorbell.

    `key` is the business identity, for example the sha256 of a file or
    `settle:17/2026-03/<input digest>`: asking twice finds the same job (`job.is_new` tells).
    `payload` is plain JSON; decimals and instants become text, floats are refused. `tenant` and
    `created_by` are instances or ids.
    """
    limits = job_kinds.get(kind)
    text = canonical_json(dict(payload or {})).decode()
    values = (
        kind,
        key,
        text,
        limits.max_attempts,
        getattr(tenant, "pk", tenant),
        getattr(created_by, "pk", created_by),
        delay_seconds,
    )
    made = ledger.insert(values)
    job = Job.objects.get(kind=kind, key=key)
    if made is not None:
        job.is_new = True
        doorbell.ring(transaction_number=made[1])
    return job


def drain(
    limit_seconds: float = 45,
    *,
    owner: str | None = None,
    at_point: Callable[[str], None] = no_point,
    should_stop: Callable[[], bool] = lambda: False,
) -> Drained:
    """Work on runnable jobs until none is left or the time is up; stages begun are finished."""
    deadline = time.monotonic() + limit_seconds
    me, ran = owner or worker_id(), 0
    ledger.bury()
    while time.monotonic() < deadline and not should_stop():
        claim = ledger.claim(me, lease_seconds())
        if claim is None:
            return Drained(ran, more=False)
        _run(claim, deadline=deadline, at_point=at_point)
        ran += 1
    return Drained(ran, more=ledger.runnable())


def run_now(job: Job | int) -> Job:
    """Run one job here and now, through the same path as a worker, and return its row.

    Nothing happens when it is finished or in another worker's hands. A failure does not raise:
    look at `state` and `error`.
    """
    job_id = getattr(job, "pk", job)
    claim = ledger.claim(worker_id(), lease_seconds(), only=job_id)
    if claim is not None:
        _run(claim)
    return Job.objects.get(pk=job_id)


def retry(job: Job, *, actor: Actor, reason: str) -> Job:
    """Queue an ended job again with fresh attempts; finished stages stay finished.

    Raises Conflict while it is queued or running and when it is done.
    """
    require(actor, "jobs.retry")
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.state not in ("failed", "dead", "cancelled"):
            raise Conflict("jobs.not_ended", f"This job is {job.state}; there is nothing to retry.")
        before = {"state": job.state, "error": job.error}
        CancelRequest.objects.filter(pk=job.pk).delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET state = 'queued', attempts = 0, finished_at = NULL, "
                "run_after = clock_timestamp(), error = '', error_code = '', trace = '' "
                "WHERE id = %s RETURNING pg_current_xact_id()::text",
                [job.pk],
            )
            number = cursor.fetchone()[0]
        record("job.retry", job, actor=actor, reason=reason, before=before)
        doorbell.ring(transaction_number=number)
        job.refresh_from_db()
    return job


def cancel(job: Job, *, actor: Actor, reason: str = "") -> Job:
    """Stop a job: at once when it waits, at its next stage when it runs.

    What its finished stages did stays. Raises Conflict when it has ended.
    """
    require(actor, "jobs.cancel")
    with transaction.atomic():
        CancelRequest.objects.get_or_create(pk=job.pk, defaults={"requested_by": actor.name})
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE jobs_job SET state = 'cancelled', finished_at = clock_timestamp() "
                "WHERE id = (SELECT id FROM jobs_job WHERE id = %s AND state = 'queued' "
                "FOR UPDATE SKIP LOCKED)",
                [job.pk],
            )
        job = Job.objects.get(pk=job.pk)
        if job.state not in ("running", "queued", "cancelled"):
            raise Conflict("jobs.ended", f"This job is already {job.state}.")
        record("job.cancel", job, actor=actor, reason=reason)
    return job


def sweep() -> bool:
    """Do what must happen each minute; return whether jobs are waiting.

    Ends jobs whose workers keep dying, turns due recurring work into jobs, and leaves a tick by
    which a supervisor sees that the queue is alive.
    """
    ledger.bury()
    run_recurring()
    Tick.objects.update_or_create(name="sweep", defaults={"at": Now()})
    return ledger.runnable()


def ensure_recurring(name: str, kind: str, *, every_minutes: int, payload=None) -> Recurring:
    """Make sure that recurring work of this name exists; what people changed about it stays."""
    job_kinds.get(kind)
    made, _ = Recurring.objects.get_or_create(
        name=name,
        defaults={"kind": kind, "every_minutes": every_minutes, "payload": payload or {}},
    )
    return made


def run_recurring() -> list[Job]:
    """Enqueue due recurring work; a row that cannot be run is switched off with its reason."""
    jobs = []
    with transaction.atomic():
        due = Recurring.objects.select_for_update(skip_locked=True).filter(
            is_active=True, next_run_at__lte=Now()
        )
        for row in due:
            key = f"{row.name}@{row.next_run_at:%Y-%m-%dT%H:%MZ}"
            try:
                jobs.append(enqueue(row.kind, key, row.payload))
            except DomainError as error:
                row.is_active, row.last_error = False, error.message
                row.save(update_fields=["is_active", "last_error"])
                continue
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE jobs_recurring SET last_error = '', next_run_at = next_run_at "
                    "+ every_minutes * interval '1 minute' * (1 + floor(extract(epoch FROM "
                    "clock_timestamp() - next_run_at) / (60 * every_minutes))) WHERE id = %s",
                    [row.pk],
                )
    return jobs


def limit_session() -> None:
    """Set the limits of a worker's connection, so that a frozen worker cannot hold on for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '60s'")
        cursor.execute("SET lock_timeout = '5s'")
        cursor.execute("SET statement_timeout = '600s'")


def _run(
    claim: Claim,
    *,
    deadline: float | None = None,
    at_point: Callable[[str], None] = no_point,
) -> None:
    """Run a claimed job to its end, to a pause, or to a failure that is written down."""
    at_point("after_claim")
    try:
        kind = job_kinds.get(claim.kind)
    except DomainError as error:
        ledger.end(claim, "failed", code=error.code, error=error.message)
        return
    context = JobContext(
        claim, kind, lease_seconds=lease_seconds(), deadline=deadline, at_point=at_point
    )
    try:
        with Heartbeat(claim, lease_seconds()):
            kind.handler(context)
        at_point("before_done")
        ledger.end(claim, "done", result=context.result_json)
    except LostLeaseError:
        log.warning("job %s is in other hands; stopped", claim.id)
    except PausedError:
        ledger.give_back(claim, 0, give=1)
    except CancelledError:
        ledger.end(claim, "cancelled")
    except DomainError as error:
        _failed(claim, error)
    except Exception as error:  # noqa: BLE001 - a job may fail in any way; all are written down
        _stumbled(claim, kind.retry_seconds, error)


def _failed(claim: Claim, error: DomainError) -> None:
    """Write down a refusal: the input is wrong, trying again would not help."""
    result = None
    if error.findings:
        result = canonical_json({"findings": [f.to_json() for f in error.findings]}).decode()
    ledger.end(claim, "failed", code=error.code, error=error.message, result=result)


def _stumbled(claim: Claim, retry_seconds: int, error: Exception) -> None:
    """Write down an accident and queue the job again, later each time."""
    log.exception("job %s (%s) stumbled", claim.id, claim.kind)
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    told = translate(error)
    sentence = f"{type(error).__name__}: {error}"
    if isinstance(error, OperationalError | InterfaceError) and told is None:
        sentence = "The connection to the database was lost."
    delay = min(RETRY_SECONDS_MAX, retry_seconds * 4 ** (claim.attempts - 1))
    ledger.give_back(
        claim,
        delay,
        code=told.code if told else "jobs.stumbled",
        error=sentence[:2000],
        trace="".join(traceback.format_exception(error))[-_TRACE_CHARS:],
    )
