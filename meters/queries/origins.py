"""The files and lines behind final readings of a range, and the edits that hold in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from meters.models import Channel, Edit, EditAction, ImportFile, Layer, Publication
from meters.queries.basis import same_time
from meters.queries.series import DAY_MINUTES, aligned_grid, day_span
from meters.storage import Batch, load
from meters.storage.batch import lines_of
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status

#: By file: the first and the last line.
Lines = dict[int, tuple[int, int]]
Files = tuple[tuple[ImportFile, int, int], ...]


@dataclass(frozen=True)
class Edited:
    """An edit that holds in a version: its intervals, and the files behind what it took.

    `channel` is the channel that was copied; `files` are those of the copied readings, else of
    the received readings beneath.
    """

    edit: Edit
    interval_count: int
    channel: Channel | None
    files: Files


def origins(
    blocks: Iterable[Batch], grid: Grid, *, only: np.ndarray | None = None, edited: bool = False
) -> dict[int, Lines]:
    """Return, per final publication, the files with first and last line inside the grid.

    Of the readings that nobody edited, or of the received ones beneath those that were `edited`;
    `only` says which intervals of the grid count.
    """
    blocks = list(blocks)
    raw: dict[tuple[int, int], Batch] = {}
    for batch in blocks:
        for i in np.flatnonzero(batch.layers == Layer.RAW).tolist():
            raw[int(batch.days[i]), int(batch.versions[i])] = batch.take(np.array([i]))
    found: dict[int, Lines] = {}
    for batch in blocks:
        for i in np.flatnonzero(batch.layers == Layer.FINAL).tolist():
            day, per_day = int(batch.days[i]), DAY_MINUTES // batch.minutes
            _, rests_on = lines_of(batch.sources_of(i), per_day)
            counts = (batch.status[i] == int(Status.EDITED)) == edited
            counts &= _inside(grid, day, per_day, only)
            for number in np.unique(rests_on[counts]).tolist():
                source = raw.get((day, number))
                if source is not None:
                    rows = found.setdefault(int(batch.publication_ids[i]), {})
                    _widen(rows, source, counts & (rests_on == number))
    return found


def named(told: Iterable[Lines]) -> dict[int, ImportFile]:
    """Return the files that are told of, by key; one query."""
    keys = {file for rows in told for file in rows}
    return ImportFile.objects.defer("receipt", "path").in_bulk(keys)


def files_of(rows: Lines, known: dict[int, ImportFile]) -> Files:
    """Return files with their first and last line."""
    return tuple((known[key], *ends) for key, ends in sorted(rows.items()) if key in known)


def edited_of(
    channel: Channel, grid: Grid, blocks: list[Batch], keys: list[int]
) -> dict[int, tuple[Edited, ...]]:
    """Return the edits that hold in each final publication, the newest first.

    One query; one more for the files, and four for each edit that copied from elsewhere.
    """
    held = _held(channel, grid, blocks, set(keys))
    copied = {
        (edit.pk, at.tobytes()): _copied(channel, grid, edit, at)
        for rows in held.values()
        for edit, at in rows
    }
    beneath = {
        key: [origins(_of(blocks, key), grid, only=at, edited=True).get(key, {}) for _, at in rows]
        for key, rows in held.items()
    }
    files = [lines for rows in beneath.values() for lines in rows]
    known = named([*files, *(lines for _, lines in copied.values())]) if held else {}
    found = {}
    for key, rows in held.items():
        told = []
        for (edit, at), own in zip(rows, beneath[key], strict=True):
            source, lines = copied[edit.pk, at.tobytes()]
            told.append(
                Edited(edit, int(at.sum()), source, files_of(lines if source else own, known))
            )
        found[key] = tuple(told)
    return found


def _held(
    channel: Channel, grid: Grid, blocks: list[Batch], keys: set[int]
) -> dict[int, list[tuple[Edit, np.ndarray]]]:
    """Return, per publication, its edits with the intervals of the grid that each holds."""
    end = grid.start_of(grid.count)
    edits = list(
        Edit.objects.filter(channel=channel, start_utc__lt=end, end_utc__gt=grid.start_utc)
    )
    found: dict[int, list[tuple[Edit, np.ndarray]]] = {}
    if not edits:
        return found
    for key in keys:
        open_at = _edited_at(grid, blocks, key)
        for edit in edits:  # the newest first
            if edit.publication_id > key:
                continue
            at = open_at & _covered(grid, edit)
            open_at &= ~at
            if at.any() and edit.action != EditAction.REVERT:
                found.setdefault(key, []).append((edit, at))
    return found


def _edited_at(grid: Grid, blocks: list[Batch], key: int) -> np.ndarray:
    """Return which intervals of the grid are edited in the blocks of a publication."""
    at = np.zeros(grid.count, dtype=bool)
    for batch in blocks:
        mine = (batch.layers == Layer.FINAL) & (batch.publication_ids == key)
        for i in np.flatnonzero(mine).tolist():
            per_day = DAY_MINUTES // batch.minutes
            begin = (int(batch.days[i]) * DAY_MINUTES - grid.start_minute) // grid.minutes
            part = slice(max(0, begin), max(0, min(grid.count, begin + per_day)))
            at[part] = (batch.status[i] == int(Status.EDITED))[
                part.start - begin : part.stop - begin
            ]
    return at


def _covered(grid: Grid, edit: Edit) -> np.ndarray:
    """Return which intervals of the grid an edit covers."""
    step = timedelta(minutes=grid.minutes)
    index = np.arange(grid.count)
    first = (edit.start_utc - grid.start_utc) // step
    return (index >= first) & (index < first + (edit.end_utc - edit.start_utc) // step)


def _copied(
    channel: Channel, grid: Grid, edit: Edit, at: np.ndarray
) -> tuple[Channel | None, Lines]:
    """Return the channel that an edit copied and the lines behind it, as they stood then."""
    index = np.flatnonzero(at)
    start, end = grid.start_of(int(index[0])), grid.start_of(int(index[-1]) + 1)
    if edit.action == EditAction.COPY_CHANNEL:
        other = Channel.objects.filter(code=edit.source).first()
    elif edit.action == EditAction.COPY_DAY:
        other = channel
        last = same_time(channel, edit, grid.start_of(int(index[-1])))
        start, end = same_time(channel, edit, start), last + timedelta(minutes=channel.minutes)
    else:
        other = None
    if other is None:
        return None, {}
    there = aligned_grid(start, end, other.minutes)
    blocks = [
        b
        for b in load([other.pk], *day_span(start, end), sources=True)
        if b.minutes == other.minutes
    ]
    merged: Lines = {}
    for rows in origins(_as_seen(blocks, edit), there).values():
        for file, (low, high) in rows.items():
            known = merged.get(file, (low, high))
            merged[file] = (min(low, known[0]), max(high, known[1]))
    return other, merged


def _as_seen(blocks: list[Batch], edit: Edit) -> list[Batch]:
    """Return all received blocks, and of each day the final one that the edit could see."""
    keys = {int(key) for batch in blocks for key in batch.publication_ids}
    seen = Publication.objects.filter(
        pk__in=keys, pk__lt=edit.publication_id, published_at__lte=edit.created_at
    )
    visible = np.array(list(seen.values_list("pk", flat=True)), np.int64)
    chosen = []
    for batch in blocks:
        is_final = batch.layers == Layer.FINAL
        newest: dict[int, int] = {}
        for i in np.flatnonzero(is_final & np.isin(batch.publication_ids, visible)).tolist():
            newest[int(batch.days[i])] = i  # ordered by version within a day
        keep = ~is_final
        keep[list(newest.values())] = True
        chosen.append(batch.take(keep))
    return chosen


def _of(blocks: list[Batch], key: int) -> list[Batch]:
    """Return all received blocks and the final ones of a publication."""
    return [b.take((b.layers == Layer.RAW) | (b.publication_ids == key)) for b in blocks]


def _inside(grid: Grid, day: int, per_day: int, only: np.ndarray | None) -> np.ndarray:
    """Return which intervals of a day belong to the grid, or to the chosen part of it."""
    at = np.arange(per_day) + (day * DAY_MINUTES - grid.start_minute) // grid.minutes
    inside = (at >= 0) & (at < grid.count)
    if only is not None:
        inside[inside] = only[at[inside]]
    return inside


def _widen(rows: Lines, source: Batch, at: np.ndarray) -> None:
    """Add the files and lines of the chosen intervals of one received day."""
    files, lines = lines_of(source.sources_of(0), len(at))
    for file, line in zip(files[at].tolist(), lines[at].tolist(), strict=True):
        if file:
            low, high = rows.get(file, (line, line))
            rows[file] = (min(low, line), max(high, line))
