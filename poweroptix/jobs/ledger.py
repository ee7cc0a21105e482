"""The statements that move a job, each one alone enough to be safe.

Only the database's clock is read, so workers with wrong clocks do no harm. Every claim raises the
fence; whoever holds an older fence writes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

_ENQUEUE = """
INSERT INTO jobs_job (kind, key, payload, state, stage, attempts, max_attempts, fence, owner,
                      progress_done, progress_total, progress_label, error_code, error, trace,
                      tenant_id, created_by_id, run_after, created_at)
VALUES (%s, %s, %s::jsonb, 'queued', 0, 0, %s, 0, '', 0, 0, '', '', '', '', %s, %s,
        clock_timestamp() + %s * interval '1 second', clock_timestamp())
ON CONFLICT (kind, key) DO NOTHING
RETURNING id, pg_current_xact_id()::text
"""

_CLAIM = """
WITH next AS (
  SELECT id FROM jobs_job
   WHERE ((state = 'queued' AND (run_after <= clock_timestamp() OR %(only)s::bigint IS NOT NULL))
          OR (state = 'running' AND lease_until < clock_timestamp() AND attempts < max_attempts))
     AND id = coalesce(%(only)s::bigint, id)
   ORDER BY run_after, id
   FOR UPDATE SKIP LOCKED LIMIT 1)
UPDATE jobs_job j
   SET state = 'running', attempts = attempts + 1, fence = fence + 1, owner = %(owner)s,
       lease_until = clock_timestamp() + %(lease)s * interval '1 second',
       started_at = coalesce(started_at, clock_timestamp()), finished_at = NULL
  FROM next WHERE j.id = next.id
RETURNING j.id, j.kind, j.key, j.payload::text, j.fence, j.stage, j.attempts, j.max_attempts,
          j.result::text, j.tenant_id, j.created_by_id, j.created_at, clock_timestamp()
"""

_HOLD = """
SELECT stage, EXISTS (SELECT FROM jobs_cancelrequest c WHERE c.job_id = jobs_job.id)
  FROM jobs_job WHERE id = %s AND fence = %s AND state = 'running' FOR UPDATE
"""

_CHECKPOINT = """
UPDATE jobs_job
   SET stage = %(stage)s, lease_until = clock_timestamp() + %(lease)s * interval '1 second',
       progress_done = %(done)s, progress_total = %(total)s, progress_label = %(label)s,
       result = coalesce(%(result)s::jsonb, result)
 WHERE id = %(id)s AND fence = %(fence)s
"""

_BEAT = """
UPDATE jobs_job SET lease_until = clock_timestamp() + %s * interval '1 second'
 WHERE id = (SELECT id FROM jobs_job WHERE id = %s AND fence = %s AND state = 'running'
                FOR UPDATE SKIP LOCKED)
"""

_END = """
UPDATE jobs_job
   SET state = %(state)s, finished_at = clock_timestamp(), lease_until = NULL,
       error_code = %(code)s, error = %(error)s, trace = %(trace)s,
       result = coalesce(%(result)s::jsonb, result)
 WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
"""

_RETURN = """
UPDATE jobs_job
   SET state = CASE WHEN attempts - %(give)s >= max_attempts THEN 'dead' ELSE 'queued' END,
       finished_at = CASE WHEN attempts - %(give)s >= max_attempts THEN clock_timestamp() END,
       attempts = attempts - %(give)s, lease_until = NULL,
       run_after = clock_timestamp() + %(delay)s * interval '1 second',
       error_code = %(code)s, error = %(error)s, trace = %(trace)s
 WHERE id = %(id)s AND fence = %(fence)s AND state = 'running'
RETURNING state
"""

_BURY = """
UPDATE jobs_job
   SET state = 'dead', finished_at = clock_timestamp(), lease_until = NULL,
       error_code = 'jobs.lease',
       error = 'Gave up: the lease ran out ' || attempts || ' times (the worker died or hung).'
 WHERE id IN (SELECT id FROM jobs_job WHERE state = 'running' AND attempts >= max_attempts
                 AND lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED)
"""

_RUNNABLE = """
SELECT EXISTS (SELECT FROM jobs_job
                WHERE (state = 'queued' AND run_after <= clock_timestamp())
                   OR (state = 'running' AND lease_until < clock_timestamp()))
"""


@dataclass(frozen=True)
class Claim:
    """A job in the hands of this worker, under this fence."""

    id: int
    kind: str
    key: str
    payload: dict[str, Any]
    fence: int
    stage: int
    attempts: int
    max_attempts: int
    result: dict[str, Any] | None
    tenant_id: int | None
    created_by_id: int | None
    created_at: datetime
    claimed_at: datetime

    @property
    def pk(self) -> int:
        """The job's id, so that a claim can be named as an actor."""
        return self.id


def insert(values: tuple) -> tuple[int, str] | None:
    """Add a queued job; None when kind and key exist. Returns id and the transaction's number."""
    with connection.cursor() as cursor:
        cursor.execute(_ENQUEUE, values)
        return cursor.fetchone()


def claim(owner: str, lease_seconds: int, only: int | None = None) -> Claim | None:
    """Take the next runnable job, counting the attempt before any work is done."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"owner": owner, "lease": lease_seconds, "only": only})
        row = cursor.fetchone()
    if row is None:
        return None
    made = list(row)
    made[3] = json.loads(row[3])
    made[8] = json.loads(row[8]) if row[8] else None
    return Claim(*made)


def hold(held: Claim) -> tuple[int, bool] | None:
    """Lock the job's row if it is still ours; return (finished stage, asked to cancel)."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [held.id, held.fence])
        return cursor.fetchone()


def checkpoint(held: Claim, lease_seconds: int, **progress: Any) -> None:
    """Write the finished stage and its progress in the transaction of the effect."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CHECKPOINT, {"id": held.id, "fence": held.fence, "lease": lease_seconds, **progress}
        )


def beat(cursor, held: Claim, lease_seconds: int) -> bool:
    """Extend the lease, without waiting for the job's own stage; whether it was extended."""
    cursor.execute(_BEAT, [lease_seconds, held.id, held.fence])
    return cursor.rowcount == 1


def end(held: Claim, state: str, *, code="", error="", trace="", result=None) -> bool:
    """End the job if it is still ours; whether it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            _END,
            {
                "id": held.id,
                "fence": held.fence,
                "state": state,
                "code": code,
                "error": error,
                "trace": trace,
                "result": result,
            },
        )
        return cursor.rowcount == 1


def give_back(held: Claim, delay_seconds: int, *, give=0, code="", error="", trace="") -> str:
    """Queue the job again, or bury it when its attempts are used up; return its state.

    `give` = 1 returns the attempt: the job paused in good order. Empty when no longer ours.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RETURN,
            {
                "id": held.id,
                "fence": held.fence,
                "delay": delay_seconds,
                "give": give,
                "code": code,
                "error": error,
                "trace": trace,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else ""


def bury() -> int:
    """End jobs whose workers died as often as they may; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_BURY)
        return cursor.rowcount


def runnable() -> bool:
    """Whether a worker would find something to do."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNNABLE)
        return cursor.fetchone()[0]
