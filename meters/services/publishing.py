"""Publications: blocks are written first and become visible in a second transaction.

Two writers of one channel are kept apart by a lock on the channel while they write and while they
publish. Between the two another publication may have become visible; what was built on an older
version is then merged again (files) or worked out again (validation, edits).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection

from meters.models import Publication, ReadingBlock
from meters.services.listeners import announce
from meters.storage import from_epoch_day
from poweroptix.audit.actor import Actor

LOCK_CLASS = 0x4D45


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


def publish(publication: Publication, now: datetime) -> None:
    """Make a publication visible and tell the listeners; inside a transaction of its own."""
    publication.published_at = now
    publication.save(update_fields=["published_at"])
    held = extents(publication)
    if held:
        first = min(extent.first_day for extent in held)
        last = max(extent.last_day for extent in held)
        announce(
            [extent.channel_id for extent in held], midnight(first), midnight(last + 1), publication
        )


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
