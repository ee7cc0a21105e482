"""django-q2 as doorbell: it says "look now" and carries nothing else.

A lost ring costs a minute (the schedule rings again), a doubled one nothing: what is to be done,
and whether it was done, stands in our own rows alone.
"""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)
KICK_SECONDS = 45
_rung = threading.local()


def ring(*, transaction_number: str) -> None:
    """Wake a worker when the transaction commits, once per transaction.

    With the PostgreSQL broker the ring is a row of the same transaction; other brokers are told
    after the commit.
    """
    if getattr(_rung, "by", None) == transaction_number:
        return
    _rung.by = transaction_number
    cluster = getattr(settings, "Q_CLUSTER", None)
    if not cluster:
        return
    if cluster.get("orm"):
        _send()
    else:
        transaction.on_commit(_send)


def kick() -> int:
    """Work for at most 45 seconds, then ring again if there is more; return how many jobs."""
    from poweroptix.jobs import services

    services.limit_session()
    drained = services.drain(KICK_SECONDS)
    if drained.more:
        _send()
    return drained.ran


def tick() -> None:
    """Sweep, and ring when jobs are waiting; the schedule calls this each minute."""
    from poweroptix.jobs import services

    services.limit_session()
    if services.sweep():
        _send()


def _send() -> None:
    from django_q.tasks import async_task

    async_task("poweroptix.jobs.doorbell.kick", q_options={"save": False})
