"""Raw and final readings of some channels over a range, and what changed in the final ones.

The window covers whole UTC days; rules see the range inside, and what lies outside of the range
on its first and last UTC day keeps its final readings.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from django.db import connection

from meters.models import Layer
from meters.queries.series import aligned_grid
from meters.services.judging.case import Readings
from meters.services.publishing.publish import utc_days
from meters.storage import Batch, from_epoch_day, load_recent
from meters.storage.batch import digests_of
from meters.storage.loader import newest, published_ids
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

DAY_MINUTES = 1440


class Window:
    """Channels x days x intervals of one interval length, both layers."""

    def __init__(self, ids: list[int], start: datetime, end: datetime, minutes: int) -> None:
        self.ids, self.grid = ids, aligned_grid(start, end, minutes)
        self.first, self.last = utc_days(start, end)
        self.per_day = DAY_MINUTES // minutes
        shape = (2, len(ids), self.last - self.first + 1, self.per_day)
        self._values = np.full(shape, MISSING, np.int64)
        self._status = np.full(shape, int(Status.MISSING), np.uint8)
        self._method = np.zeros(shape, np.uint8)
        self._versions = np.zeros(shape[:3], np.int64)
        self._highest = np.zeros(shape[:3], np.int64)
        self._digests = np.zeros(shape[1:3], "V32")
        self._rows = {channel_id: row for row, channel_id in enumerate(ids)}
        self._seen = 0
        offset = (self.grid.start_minute - self.first * DAY_MINUTES) // minutes
        self._inside = slice(offset, offset + self.grid.count)

    @property
    def key(self) -> int:
        """A number that tells windows of one chunk apart."""
        return id(self)

    def has(self, channel_id: int) -> bool:
        """Tell whether a channel is in this window."""
        return channel_id in self._rows

    @property
    def blocks_read(self) -> int:
        """How many published blocks this was read from."""
        return self._seen

    @classmethod
    def read(cls, ids: Iterable[int], start: datetime, end: datetime, minutes: int) -> Window:
        """Return the window with the newest published blocks of both layers. Two queries."""
        window = cls(list(ids), start, end, minutes)
        for batch in load_recent(window.ids, window.first, window.last):
            visible = published_ids(batch.publication_ids)
            seen = batch.take(np.isin(batch.publication_ids, visible))
            window._seen += len(seen)
            if batch.minutes == minutes:
                window._lay(batch, seen)
        return window

    def _lay(self, batch: Batch, seen: Batch) -> None:
        """Put stored versions in their places."""
        np.maximum.at(self._highest, self._places(batch), batch.versions)
        top = seen.take(newest(seen))
        at = self._places(top)
        self._values[at], self._status[at] = top.values, top.status
        self._method[at], self._versions[at] = top.method, top.versions
        final = top.layers == Layer.FINAL
        self._digests[at[1][final], at[2][final]] = top.digests[final]

    def _places(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (layer, channel, day) indices of a batch."""
        order = np.argsort(self.ids)
        rows = order[np.searchsorted(np.asarray(self.ids)[order], batch.channel_ids)]
        return batch.layers.astype(np.int64) - 1, rows, batch.days - self.first

    def readings(self, channel_id: int, layer: int) -> Readings:
        """Return the readings of a channel inside the range (not to be changed)."""
        row = self._rows[channel_id]
        return Readings(
            self._values[layer - 1, row].reshape(-1)[self._inside],
            self._status[layer - 1, row].reshape(-1)[self._inside],
            self._method[layer - 1, row].reshape(-1)[self._inside],
        )

    def set_final(self, channel_id: int, readings: Readings) -> None:
        """Replace the final readings of a channel inside the range."""
        row = self._rows[channel_id]
        for store, given in (
            (self._values, readings.values),
            (self._status, readings.status),
            (self._method, readings.method),
        ):
            store[Layer.FINAL - 1, row].reshape(-1)[self._inside] = given

    def known_versions(
        self, channel_id: int, start: datetime, end: datetime
    ) -> list[tuple[int, int, int]]:
        """Return (day, raw version, final version) of the days that [start, end) touches.

        Days count from 1970-01-01; version 0 is none.
        """
        row, (first, last) = self._rows[channel_id], utc_days(start, end)
        days = range(max(first, self.first), min(last, self.last) + 1)
        raw, final = self._versions[:, row]
        return [(d, int(raw[d - self.first]), int(final[d - self.first])) for d in days]

    def changed(self, which: slice | np.ndarray = slice(None)) -> Batch:
        """Return the final days whose content differs from what is published, as new versions.

        `which` are positions in `ids`: of these channels alone.
        """
        ids = np.asarray(self.ids, np.int64)[which]
        raw, final = ((layer - 1, which) for layer in (Layer.RAW, Layer.FINAL))
        days = self._values.shape[2]
        values = self._values[final].reshape(-1, self.per_day)
        status = self._status[final].reshape(-1, self.per_day)
        method = self._method[final].reshape(-1, self.per_day)
        known = self._versions[final].reshape(-1)
        digests = digests_of(values, status, method)
        blank = (values == MISSING).all(axis=1) & (method == 0).all(axis=1)
        differs = (digests != self._digests[which].reshape(-1)) & ~(blank & (known == 0))
        at = slice(None) if differs.all() else np.flatnonzero(differs)
        raw_version = self._versions[raw].reshape(-1)[at]
        with_raw = raw_version > 0
        runs = np.zeros((int(with_raw.sum()), 4), np.int64)
        runs[:, 2] = raw_version[with_raw]
        return Batch(
            minutes=self.grid.minutes,
            channel_ids=np.repeat(ids, days)[at],
            days=np.tile(np.arange(self.first, self.last + 1), len(ids))[at],
            layers=np.full(len(raw_version), Layer.FINAL, np.int16),
            versions=(self._highest[final].reshape(-1)[at] + 1).astype(np.int32),
            publication_ids=np.zeros(len(raw_version), np.int64),
            values=values[at],
            status=status[at],
            method=method[at],
            digests=digests[at],
            runs=runs,
            run_counts=with_raw.astype(np.int64),
        )

    def has_moved(self) -> bool:
        """Return whether something was published on these days since this was read."""
        return _published_blocks(self.ids, self.first, self.last) != self._seen


def _published_blocks(ids: list[int], first: int, last: int) -> int:
    """Return how many published versions there are; none ever goes away, so a count tells."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM meters_readingblock WHERE channel_id = ANY(%s) "
            "AND day BETWEEN %s AND %s AND publication_id IN "
            "(SELECT id FROM meters_publication WHERE published_at IS NOT NULL)",
            [ids, from_epoch_day(first), from_epoch_day(last)],
        )
        return cursor.fetchone()[0]
