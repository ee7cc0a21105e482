"""Writes batches of day blocks by binary COPY: many blocks a statement, nothing per interval."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from psycopg import Copy

from .batch import Batch, from_epoch_day
from .layout import (
    COLUMNS,
    DATE_EPOCH_DAYS,
    HEADER,
    INT8_OID,
    STAMP_EPOCH_US,
    TABLE,
    TRAILER,
    row_type,
)

PART_BLOCKS = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write(batch: Batch, recorded_at: datetime) -> int:
    """Add the blocks of a batch; return how many rows were written. Arguments as `Outflow`."""
    with Outflow(recorded_at) as out:
        return out.send(batch)


class Outflow:
    """Adds blocks while the next ones are still being worked out: the server need not wait for us.

    Keys, publications and digests are those of the batches. Must run inside a transaction. After a
    `send` the COPY stays open, and nothing else may be asked of the database before `finish` (or
    the end of the `with`); the next `send` begins anew. A role under row-level security cannot
    COPY FROM; for such a role (a person's edit in a request) the few rows go in by INSERT.
    """

    def __init__(self, recorded_at: datetime) -> None:
        self._recorded_at = recorded_at
        self._open = ExitStack()
        self._copy: Copy | None = None

    def __enter__(self) -> Outflow:
        return self

    def __exit__(self, *fault: Any) -> None:
        if fault[0] is None:
            self.finish()
        else:
            self._open.__exit__(*fault)

    def send(self, batch: Batch) -> int:
        """Send the blocks of a batch; return how many."""
        if len(batch) == 0:
            return 0
        if self._copy is None and not self._begin():
            with connection.cursor() as cursor:
                _insert(cursor, batch, self._recorded_at)
            return len(batch)
        with connection.wrap_database_errors:
            for first in range(0, len(batch), PART_BLOCKS):
                part = batch.part(first, first + PART_BLOCKS)
                for rows in _rows(part, self._recorded_at):
                    self._copy.write(memoryview(rows.view(np.uint8).reshape(-1)))
        return len(batch)

    def finish(self) -> None:
        """Wait until the server has everything that was sent."""
        if self._copy is not None:
            with connection.wrap_database_errors:
                self._copy.write(TRAILER)
                self._copy = None
                self._open.close()

    def _begin(self) -> bool:
        """Open a COPY, unless this role may not."""
        cursor = self._open.enter_context(connection.cursor())
        cursor.execute("SELECT row_security_active(%s)", [TABLE])
        if cursor.fetchone()[0]:
            return False
        statement = f"COPY {TABLE} ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
        with connection.wrap_database_errors:
            self._copy = self._open.enter_context(cursor.copy(statement))
            self._copy.write(HEADER)
        return True


def _rows(batch: Batch, recorded_at: datetime):
    """Yield record arrays, one for each number of source runs that occurs."""
    for count in np.unique(batch.run_counts):
        part = batch if (batch.run_counts == count).all() else batch.take(batch.run_counts == count)
        yield _records(part, int(count), recorded_at)


def _records(batch: Batch, run_count: int, recorded_at: datetime) -> np.ndarray:
    """Return the rows of blocks that all have the same number of source runs."""
    per_day = batch.values.shape[1]
    rows = np.zeros(len(batch), row_type(per_day, run_count))
    rows["fields"] = 12
    for name, width in (
        ("channel", 8),
        ("day", 4),
        ("version", 4),
        ("publication", 8),
        ("recorded", 8),
        ("layer", 2),
        ("minutes", 2),
        ("status", per_day),
        ("method", per_day),
        ("digest", 32),
    ):
        rows[f"{name}_length"] = width
    rows["channel_id"] = batch.channel_ids
    rows["day"] = batch.days - DATE_EPOCH_DAYS
    rows["version"] = batch.versions
    rows["publication_id"] = batch.publication_ids
    rows["recorded_at"] = (recorded_at - _EPOCH) // timedelta(microseconds=1) - STAMP_EPOCH_US
    rows["layer"] = batch.layers
    rows["minutes"] = batch.minutes
    _fill_array(rows, "values", batch.values)
    rows["status"] = batch.status
    rows["method"] = batch.method
    _fill_array(rows, "sources", batch.runs.reshape(len(batch), run_count * 4))
    rows["digest"] = batch.digests
    return rows


def _fill_array(rows: np.ndarray, name: str, values: np.ndarray) -> None:
    """Fill the header and the elements of a bigint[] field."""
    head, count = rows[f"{name}_head"], values.shape[1]
    head["oid"] = INT8_OID
    head["length"] = 12 if count == 0 else 20 + 12 * count
    if count:
        head["dimensions"], head["size"], head["lower"] = 1, count, 1
        rows[name]["length"] = 8
        rows[name]["value"] = values


def _insert(cursor, batch: Batch, recorded_at: datetime) -> None:
    """Write row by row; for the handful of days that a person edits."""
    cursor.executemany(
        f"INSERT INTO {TABLE} ({COLUMNS}) VALUES ({', '.join(['%s'] * 12)})",  # noqa: S608
        [
            (
                int(batch.channel_ids[i]),
                from_epoch_day(batch.days[i]),
                int(batch.versions[i]),
                int(batch.publication_ids[i]),
                recorded_at,
                int(batch.layers[i]),
                batch.minutes,
                batch.values[i].tolist(),
                batch.status[i].tobytes(),
                batch.method[i].tobytes(),
                batch.sources_of(i).reshape(-1).tolist(),
                batch.digests[i].tobytes(),
            )
            for i in range(len(batch))
        ],
    )
