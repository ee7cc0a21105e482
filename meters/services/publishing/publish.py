"""Publications: blocks are written first and become visible in a second transaction.

Two writers of one channel are kept apart by a lock on the channel while they write and while they
publish. Between the two another publication may have become visible; what was built on an older
version is then merged again (files) or worked out again (validation, edits).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.db import connection

from meters.models import Publication, ReadingBlock
from meters.services.publishing.listeners import announce
from meters.storage import Batch, from_epoch_day
from poweroptix.audit.actor import Actor

LOCK_CLASS = 0x4D45


class Held:
    """Which channel-days a publication holds, noted while its blocks are written."""

    def __init__(self) -> None:
        self._days: dict[int, tuple[int, int]] = {}

    def add(self, batch: Batch) -> None:
        """Note the blocks of a batch."""
        ids, rows = np.unique(batch.channel_ids, return_inverse=True)
        first = np.full(len(ids), np.iinfo(np.int64).max)
        last = np.full(len(ids), np.iinfo(np.int64).min)
        np.minimum.at(first, rows, batch.days)
        np.maximum.at(last, rows, batch.days)
        for channel_id, a, b in zip(ids.tolist(), first.tolist(), last.tolist(), strict=True):
            low, high = self._days.get(channel_id, (a, b))
            self._days[channel_id] = (min(low, a), max(high, b))

    @property
    def extents(self) -> list[Extent]:
        """Return the channels with their first and last UTC day."""
        return [Extent(channel_id, *days) for channel_id, days in sorted(self._days.items())]


class Extent(NamedTuple):
    """Which channel-days a publication holds in one layer."""

    channel_id: int
    first_day: int
    last_day: int


def lock_channels(channel_ids: Iterable[int]) -> None:
    """Wait until no other transaction writes these channels; held to the end of this one."""
    ordered = sorted({int(i) % 2**31 for i in channel_ids})
    if ordered:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, key) FROM unnest(%s::int[]) AS key",
                [LOCK_CLASS, ordered],
            )


def commit_without_waiting() -> None:
    """Let this transaction commit before its log is on disk; only for what can be done again.

    Unseen blocks and the checkpoint of their stage are lost together in a crash, and the stage is
    then repeated. The commit of the publication waits for the disk, and with it for all before.
    Inside a larger transaction (a person's request) nothing changes.
    """
    if not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


def open_publication(
    kind: str, *, actor: Actor, now: datetime, reason: str = "", import_file_id: int | None = None
) -> Publication:
    """Begin a publication that nobody sees yet."""
    return Publication.objects.create(
        kind=kind,
        import_file_id=import_file_id,
        actor=str(actor)[:150],
        reason=reason[:300],
        created_at=now,
    )


def extents(publication: Publication) -> list[Extent]:
    """Return the channels of a publication with their first and last UTC day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel_id, min(day) - date '1970-01-01', max(day) - date '1970-01-01' "
            "FROM meters_readingblock WHERE publication_id = %s GROUP BY channel_id "
            "ORDER BY channel_id",
            [publication.pk],
        )
        return [Extent(*row) for row in cursor.fetchall()]


def publish(publication: Publication, now: datetime, held: Held | None = None) -> None:
    """Make a publication visible and tell the listeners; inside a transaction of its own.

    `held` is what the caller wrote, if all of it; without it the blocks are asked.
    """
    publication.published_at = now
    publication.save(update_fields=["published_at"])
    found = extents(publication) if held is None else held.extents
    if found:
        first = min(extent.first_day for extent in found)
        last = max(extent.last_day for extent in found)
        ids = [extent.channel_id for extent in found]
        announce(ids, midnight(first), midnight(last + 1), publication)


def withdraw(publication: Publication, now: datetime) -> None:
    """Give a publication up: its blocks stay unseen for ever."""
    publication.withdrawn_at = now
    publication.save(update_fields=["withdrawn_at"])


def block_count(publication: Publication) -> int:
    """Return how many blocks a publication holds."""
    return ReadingBlock.objects.filter(publication_id=publication.pk).count()


def midnight(day: int) -> datetime:
    """Return the start of a UTC day number."""
    date = from_epoch_day(day)
    return datetime(date.year, date.month, date.day, tzinfo=UTC)


def utc_days(start: datetime, end: datetime) -> tuple[int, int]:
    """Return the first and last UTC day number that [start, end) touches."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    one = timedelta(days=1)
    return (start - epoch) // one, (end - timedelta(microseconds=1) - epoch) // one
