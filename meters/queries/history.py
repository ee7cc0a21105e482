"""Final readings as they were after an earlier publication, and what two such states differ by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from meters.models import Channel, ImportFile, Layer, Publication
from meters.queries.origins import Edited, edited_of, files_of, named, origins
from meters.queries.series import DAY_MINUTES, aligned_grid, day_span
from meters.storage import Batch, load
from poweroptix.kernel import exact
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status, letter


@dataclass(frozen=True)
class Snapshot:
    """Final readings of a range as readers saw them after a publication."""

    grid: Grid
    values: np.ndarray
    status: np.ndarray
    method: np.ndarray

    @property
    def total(self) -> Decimal:
        """Return the exact sum of the values that are there."""
        return from_micro(exact.total(self.values[self.values != MISSING]))


@dataclass(frozen=True)
class Change:
    """One interval that differs between two states; None is a missing value."""

    start_utc: datetime
    old: Decimal | None
    new: Decimal | None
    old_letter: str
    new_letter: str

    @property
    def difference(self) -> Decimal:
        """Return new less old; a missing value counts as nothing."""
        return (self.new or Decimal(0)) - (self.old or Decimal(0))


@dataclass(frozen=True)
class Comparison:
    """What differs from the older to the newer state of one range."""

    older: Publication
    newer: Publication
    changes: tuple[Change, ...]
    old_total: Decimal
    new_total: Decimal

    @property
    def difference(self) -> Decimal:
        """Return the newer total less the older."""
        return self.new_total - self.old_total


@dataclass(frozen=True)
class Version:
    """A publication that changed the final readings of a range, and the files it rests on.

    `number` counts the versions of the range, the first is 1; `version` is the highest of its UTC
    days, which count for themselves. `files` are those of the readings that nobody edited;
    `edited` tells the edits that hold in it.
    """

    number: int
    publication: Publication
    version: int
    files: tuple[tuple[ImportFile, int, int], ...]
    edited: tuple[Edited, ...] = ()


def versions(channel: Channel, start_utc: datetime, end_utc: datetime) -> list[Version]:
    """Return the published versions of [start, end), newest first.

    Five queries, and four for each edit that copied from elsewhere. `files` are the files of the
    received readings that a version was made from, with the first and the last line that belongs
    to the range.
    """
    grid = aligned_grid(start_utc, end_utc, channel.minutes)
    blocks = _blocks(channel, grid)
    publications = _published(blocks)
    found: dict[int, int] = {}
    for batch in blocks:
        for i in np.flatnonzero(batch.layers == Layer.FINAL).tolist():
            key = int(batch.publication_ids[i])
            if key in publications:
                found[key] = max(found.get(key, 0), int(batch.versions[i]))
    told = origins(blocks, grid)
    edited = edited_of(channel, grid, blocks, list(found))
    known = named(told.values())
    order = sorted(found, key=lambda key: _seen(publications[key]))
    made = [
        Version(
            number,
            publications[key],
            found[key],
            files_of(told.get(key, {}), known),
            edited.get(key, ()),
        )
        for number, key in enumerate(order, start=1)
    ]
    return made[::-1]


def as_of(
    channel: Channel, start_utc: datetime, end_utc: datetime, publication_id: int
) -> Snapshot:
    """Return the final readings of [start, end) as they were once a publication was visible.

    Raises NotFoundError when the publication changed nothing of these days.
    """
    grid = aligned_grid(start_utc, end_utc, channel.minutes)
    blocks = _blocks(channel, grid)
    return _as_of(grid, blocks, _published(blocks), publication_id)


def compare(
    channel: Channel, start_utc: datetime, end_utc: datetime, older: int, newer: int
) -> Comparison:
    """Return what differs between two states of [start, end); three queries."""
    grid = aligned_grid(start_utc, end_utc, channel.minutes)
    blocks = _blocks(channel, grid)
    publications = _published(blocks)
    old, new = (_as_of(grid, blocks, publications, key) for key in (older, newer))
    differs = (old.values != new.values) | (old.status != new.status)
    changes = tuple(
        Change(
            grid.start_of(at),
            _value(old, at),
            _value(new, at),
            letter(Status(int(old.status[at]))),
            letter(Status(int(new.status[at]))),
        )
        for at in np.flatnonzero(differs).tolist()
    )
    return Comparison(publications[older], publications[newer], changes, old.total, new.total)


def _value(snapshot: Snapshot, at: int) -> Decimal | None:
    value = int(snapshot.values[at])
    return None if value == MISSING else from_micro(value)


def _blocks(channel: Channel, grid: Grid) -> list[Batch]:
    """Return every version of the days of a grid."""
    end = grid.start_utc + timedelta(minutes=grid.minutes * grid.count)
    span = day_span(grid.start_utc, end)
    return [b for b in load([channel.pk], *span, sources=True) if b.minutes == channel.minutes]


def _published(blocks: list[Batch]) -> dict[int, Publication]:
    """Return the visible publications of some blocks by key."""
    keys = {int(key) for batch in blocks for key in batch.publication_ids}
    rows = Publication.objects.filter(pk__in=keys, published_at__isnull=False)
    return {row.pk: row for row in rows}


def _seen(publication: Publication) -> tuple[datetime, int]:
    """Return the order in which publications became visible."""
    return publication.published_at, publication.pk


def _as_of(
    grid: Grid, blocks: list[Batch], publications: dict[int, Publication], key: int
) -> Snapshot:
    """Lay the newest final versions seen after a publication on the grid."""
    if key not in publications:
        raise NotFoundError("history.version", f"No version {key} of these days was published.")
    limit = _seen(publications[key])
    visible = [pk for pk, row in publications.items() if _seen(row) <= limit]
    first = grid.start_minute // DAY_MINUTES
    days = -(-(grid.start_minute + grid.count * grid.minutes) // DAY_MINUTES) - first
    shape = (days, DAY_MINUTES // grid.minutes)
    values = np.full(shape, MISSING, np.int64)
    status = np.full(shape, int(Status.MISSING), np.uint8)
    method = np.zeros(shape, np.uint8)
    for batch in blocks:
        mine = (batch.layers == Layer.FINAL) & np.isin(batch.publication_ids, visible)
        seen = batch.take(mine)
        # Batches are ordered by version within a day, so the newest is written last.
        for i, day in enumerate((seen.days - first).tolist()):
            values[day], status[day], method[day] = seen.values[i], seen.status[i], seen.method[i]
    begin = (grid.start_minute - first * DAY_MINUTES) // grid.minutes
    part = slice(begin, begin + grid.count)
    return Snapshot(
        grid, values.reshape(-1)[part], status.reshape(-1)[part], method.reshape(-1)[part]
    )
