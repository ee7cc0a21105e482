"""Reads day blocks straight into numpy: one query, no Python object per interval.

Blocks are found by a list of channels and days, all versions; which version counts is chosen here,
never by a join, so that the same code runs when blocks are spread over nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from django.db import connection
from psycopg import Cursor
from psycopg.pq import Format

from .batch import Batch, from_epoch_day
from .layout import DATE_EPOCH_DAYS, READ_CONTENT, READ_KEY, READ_SOURCES, TABLE, read_type
from .recent import fill_from, recent


def load(
    channel_ids: Iterable[int],
    first_day: int,
    last_day: int,
    *,
    layers: Iterable[int] = (1, 2),
    sources: bool = False,
    content: bool = True,
) -> list[Batch]:
    """Return every version of the blocks of these channels and days (inclusive day numbers).

    One batch per interval length that occurs, ordered by channel, day, layer and version. With
    `sources` the batches also hold the source runs; without `content` they hold statuses and
    digests only (values read as missing, methods as none).
    """
    ids, wanted = sorted({int(i) for i in channel_ids}), sorted({int(layer) for layer in layers})
    if not ids or last_day < first_day:
        return []
    return _load(ids, first_day, last_day, wanted, sources, content)


def load_recent(channel_ids: Iterable[int], first_day: int, last_day: int) -> list[Batch]:
    """Return what `load` does, content of both layers, with less traffic just after a `write`.

    Contents that this process still has in memory are not fetched again; keys, versions, statuses
    and digests always are. For work that does not itself prove digests against contents. There may
    be two batches of one interval length, of different channels.
    """
    ids = sorted({int(i) for i in channel_ids})
    known = recent.known(ids)
    found = load(known, first_day, last_day, content=False)
    for batch in found:
        gone = ~recent.fill(batch)
        if gone.any():
            days = batch.days[gone]
            rest = np.unique(batch.channel_ids[gone]).tolist()
            fill_from(batch, load(rest, int(days.min()), int(days.max())))
    return found + load(set(ids).difference(known), first_day, last_day)


def _load(
    ids: list[int], first_day: int, last_day: int, wanted: list[int], sources: bool, content: bool
) -> list[Batch]:
    """Read and sort what `load` asks for."""
    content_sql = READ_CONTENT if content else ""
    sources_sql = READ_SOURCES if sources else ""
    query = (
        f"SELECT minutes::int, {READ_KEY}{content_sql}{sources_sql} FROM {TABLE} "  # noqa: S608
        "WHERE channel_id = ANY(%s::bigint[]) AND day BETWEEN %s AND %s "
        "AND layer = ANY(%s::smallint[])"
    )
    groups: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    limits = (from_epoch_day(first_day), from_epoch_day(last_day))
    for minutes, row in _binary(query, (ids, *limits, wanted)):
        groups[minutes, len(row)].append(row)
    by_minutes: dict[int, list[Batch]] = defaultdict(list)
    for (minutes, size), rows in groups.items():
        by_minutes[minutes].append(_parse(minutes, size, rows, sources, content))
    return [_ordered(minutes, parts) for minutes, parts in sorted(by_minutes.items())]


def _binary(query: str, parameters: tuple) -> list[tuple[int, bytes]]:
    """Run a query on Django's connection with answers in binary; text would cost tenfold."""
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        return cursor.execute(query, parameters).fetchall()


def _parse(minutes: int, size: int, rows: list[bytes], sources: bool, content: bool) -> Batch:
    """Turn rows of equal size into a batch."""
    per_day = 1440 // minutes
    run_count = None
    if sources:
        spare = size - read_type(per_day, 0, content).itemsize
        run_count = 0 if spare == 0 else (spare - 8) // 48
    record = np.frombuffer(b"".join(rows), read_type(per_day, run_count, content))
    order = np.lexsort([record[name] for name in ("version", "layer", "day", "channel_id")])
    if (order[1:] < order[:-1]).any():  # cheaper here than once there is room for the content
        record = record[order]
    batch = Batch.empty(minutes, len(record))
    batch.channel_ids = record["channel_id"].astype(np.int64)
    batch.days = record["day"].astype(np.int64) + DATE_EPOCH_DAYS
    batch.layers = record["layer"].astype(np.int16)
    batch.versions = record["version"].astype(np.int32)
    batch.publication_ids = record["publication_id"].astype(np.int64)
    batch.status = np.ascontiguousarray(record["status"])
    batch.digests = record["digest"].copy()
    if content:
        batch.values = record["values"]["value"].astype(np.int64)
        batch.method = np.ascontiguousarray(record["method"])
    if run_count:
        batch.runs = record["sources"]["value"].astype(np.int64).reshape(-1, 4)
        batch.run_counts[:] = run_count
    return batch


def _ordered(minutes: int, parts: list[Batch]) -> Batch:
    """Join batches of one interval length and order them by key."""
    names = [name for name in parts[0].__dataclass_fields__ if name != "minutes"]
    joined = parts[0]
    if len(parts) > 1:
        joined = Batch(
            minutes=minutes,
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
        )
    order = np.lexsort((joined.versions, joined.layers, joined.days, joined.channel_ids))
    if (order[1:] > order[:-1]).all():
        return joined
    return joined.take(order)


def published_ids(publication_ids: np.ndarray) -> np.ndarray:
    """Return those of the publications that are visible."""
    unique = np.unique(publication_ids)
    if len(unique) == 0:
        return unique
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM meters_publication WHERE id = ANY(%s) AND published_at IS NOT NULL",
            [unique.tolist()],
        )
        return np.array([row[0] for row in cursor.fetchall()], np.int64)


def newest(batch: Batch) -> np.ndarray:
    """Return the positions of the highest version per channel, day and layer (ordered batch)."""
    if len(batch) == 0:
        return np.empty(0, np.int64)
    last = np.ones(len(batch), bool)
    last[:-1] = (
        (batch.channel_ids[1:] != batch.channel_ids[:-1])
        | (batch.days[1:] != batch.days[:-1])
        | (batch.layers[1:] != batch.layers[:-1])
    )
    return np.flatnonzero(last)


def load_published(
    channel_ids: Iterable[int],
    first_day: int,
    last_day: int,
    *,
    layers: Iterable[int] = (1, 2),
    sources: bool = False,
    content: bool = True,
) -> list[Batch]:
    """Return the newest published version of each block; arguments as `load`."""
    batches = load(
        channel_ids, first_day, last_day, layers=layers, sources=sources, content=content
    )
    if not batches:
        return []
    visible = published_ids(np.concatenate([batch.publication_ids for batch in batches]))
    chosen = []
    for batch in batches:
        seen = batch.take(np.isin(batch.publication_ids, visible))
        if len(seen):
            chosen.append(seen.take(newest(seen)))
    return chosen
