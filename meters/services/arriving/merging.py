"""Lays arriving records on day blocks and decides, interval by interval, what replaces what.

The ranking is that of vee.md 10.3. A later null never withdraws a value. The raw layer keeps what
was received; an arriving actual under a person's edit is kept raw and reported, the edit stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from meters.formats import ChannelBlock
from meters.models import Edit, EditAction, Layer
from meters.services.arriving.arrivals import epoch_minute
from meters.services.arriving.ranking import Side, rank
from meters.storage import Batch, load
from meters.storage.batch import from_epoch_day, lines_of, run_lengths
from meters.storage.loader import newest, published_ids
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MICRO, MISSING
from poweroptix.kernel.period import day_start
from poweroptix.kernel.quality import Method, Status

DAY_MINUTES = 1440
PART_DAYS = 512


@dataclass
class Arrival:
    """Day blocks of one interval length as one file sends them."""

    batch: Batch
    lines: np.ndarray  # int64[n, k]
    present: np.ndarray  # bool[n, k]: the file has a value

    def part(self, first: int, end: int) -> Arrival:
        """Return some of the days, in the same memory."""
        return Arrival(self.batch.part(first, end), self.lines[first:end], self.present[first:end])


@dataclass
class Merged:
    """What was decided for some days: blocks to write, and counts of intervals.

    `late_on_edit` holds (channel, day, first, end) and `large_changes` also the largest change in
    10^-6 % of the old value. `over`: by channel and the file whose readings were replaced, how many
    and by how much in all (new less old, 10^-6 of the unit).
    """

    batch: Batch  # only blocks that differ from what is there
    new: int = 0
    same: int = 0
    replaced: int = 0
    ignored: int = 0
    late_on_edit: list[tuple[int, int, int, int]] = field(default_factory=list)
    large_changes: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    over: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)


def assemble(pieces: list[tuple[int, ChannelBlock]], minutes: int) -> Arrival:
    """Lay blocks of one interval length, each with its channel id, on full UTC days."""
    per_day = DAY_MINUTES // minutes
    starts = [epoch_minute(block.start_utc) // minutes for _, block in pieces]
    keys = _day_keys(pieces, starts, per_day)
    batch = Batch.empty(minutes, len(keys))
    batch.channel_ids, batch.days = keys[:, 0].copy(), keys[:, 1].copy()
    batch.layers[:] = Layer.RAW
    lines = np.zeros((len(keys), per_day), np.int64)
    flat = [a.reshape(-1) for a in (batch.values, batch.status, batch.method, lines)]
    row_of = {key: row for row, key in enumerate(map(tuple, keys.tolist()))}
    for (channel_id, block), start in zip(pieces, starts, strict=True):
        row = row_of[channel_id, start // per_day]
        window = slice(row * per_day + start % per_day, None)
        window = slice(window.start, window.start + block.count)
        given = (block.values, block.status, block.method, block.lines)
        has = block.values != MISSING
        if has.all():
            for target, source in zip(flat, given, strict=True):
                target[window] = source
        else:
            for target, source in zip(flat, given, strict=True):
                np.copyto(target[window], source, where=has)
    return Arrival(batch, lines, batch.values != MISSING)


def _day_keys(
    pieces: list[tuple[int, ChannelBlock]], starts: list[int], per_day: int
) -> np.ndarray:
    """Return the (channel, day) pairs that the pieces touch, ordered and unique."""
    parts = []
    for (channel_id, block), start in zip(pieces, starts, strict=True):
        first, last = start // per_day, (start + block.count - 1) // per_day
        pair = np.empty((last - first + 1, 2), np.int64)
        pair[:, 0] = channel_id
        pair[:, 1] = np.arange(first, last + 1)
        parts.append(pair)
    joined = np.concatenate(parts)
    order = np.lexsort((joined[:, 1], joined[:, 0]))
    joined = joined[order]
    fresh = np.ones(len(joined), bool)
    fresh[1:] = (joined[1:] != joined[:-1]).any(axis=1)
    return joined[fresh]


class _Stored:
    """What the store holds on the channel-days of an arrival."""

    def __init__(self, incoming: Batch, publication_id: int) -> None:
        rows = len(incoming)
        self.highest = np.zeros(rows, np.int64)
        self.raw: Batch | None = None
        self.raw_rows = np.empty(0, np.int64)
        self.final_status: np.ndarray | None = None
        self.edited: np.ndarray | None = None
        found = load(
            np.unique(incoming.channel_ids).tolist(),
            int(incoming.days.min()),
            int(incoming.days.max()),
            sources=True,
        )
        keys = day_keys(incoming)
        for batch in found:
            if batch.minutes == incoming.minutes:
                self._take(batch, keys, publication_id)

    def _take(self, batch: Batch, keys: np.ndarray, publication_id: int) -> None:
        """Sort one batch of stored versions into place."""
        theirs = day_keys(batch)
        rows = np.minimum(np.searchsorted(keys, theirs), len(keys) - 1)
        here = keys[rows] == theirs
        batch, rows = batch.take(here), rows[here]
        is_raw = batch.layers == Layer.RAW
        np.maximum.at(self.highest, rows[is_raw], batch.versions[is_raw])
        visible = np.append(published_ids(batch.publication_ids), publication_id)
        seen = np.isin(batch.publication_ids, visible)
        batch, rows = batch.take(seen), rows[seen]
        top = newest(batch)
        batch, rows = batch.take(top), rows[top]
        is_raw = batch.layers == Layer.RAW
        self.raw, self.raw_rows = batch.take(is_raw), rows[is_raw]
        if not is_raw.all():
            final = batch.take(~is_raw)
            self.final_status = np.full((len(keys), batch.status.shape[1]), 100, np.uint8)
            self.final_status[rows[~is_raw]] = final.status
            self.edited = np.zeros(self.final_status.shape, bool)
            self.edited[rows[~is_raw]] = edited(final.status, final.method) | voided(final)

    def part(self, first: int, end: int) -> _Stored:
        """Return what is stored of the rows [first, end)."""
        part = copy(self)
        part.highest = self.highest[first:end]
        if self.raw is not None:
            a, b = np.searchsorted(self.raw_rows, (first, end)).tolist()
            part.raw, part.raw_rows = self.raw.part(a, b), self.raw_rows[a:b] - first
        if self.final_status is not None and self.edited is not None:
            part.final_status = self.final_status[first:end]
            part.edited = self.edited[first:end]
        return part


def day_keys(batch: Batch) -> np.ndarray:
    """Return one sortable number per channel-day."""
    return batch.channel_ids * 2**22 + batch.days + 2**20


def merge(arrival: Arrival, file_id: int, publication_id: int) -> Iterator[Merged]:
    """Compare an arrival with what is stored; yield the blocks to write, some days at a time.

    What is stored: per channel-day the newest version that is published or belongs to this
    publication. Versions continue after the highest that exists, seen or not. Two queries, both
    before the first days come out: those may be sent while the next ones are compared.
    """
    stored = _Stored(arrival.batch, publication_id)
    for first in range(0, len(arrival.batch), PART_DAYS):
        part = (first, first + PART_DAYS)
        yield _merged(arrival.part(*part), stored.part(*part), file_id, publication_id)


def _merged(arrival: Arrival, stored: _Stored, file_id: int, publication_id: int) -> Merged:
    """Compare some days."""
    incoming = arrival.batch
    take = arrival.present.copy()
    merged = Merged(incoming)
    files = np.full(take.shape, file_id, np.int64)
    if stored.raw is not None and len(stored.raw):
        _lay_over(arrival, stored, take, files, merged)
    if stored.edited is not None:
        _note_edits(incoming, stored.edited, take, merged)
    merged.new = int(take.sum()) - merged.replaced
    write = take.any(axis=1)
    changed = incoming if write.all() else incoming.take(write)
    changed.publication_ids[:] = publication_id
    changed.versions = (stored.highest[write] + 1).astype(np.int32)
    changed.runs, changed.run_counts = run_lengths(
        files[write], arrival.lines[write], changed.values != MISSING
    )
    changed.compute_digests()
    merged.batch = changed
    return merged


def _lay_over(
    arrival: Arrival, stored: _Stored, take: np.ndarray, files: np.ndarray, merged: Merged
) -> None:
    """Keep the stored reading wherever the arriving one does not replace it."""
    incoming, old, hit = arrival.batch, stored.raw, stored.raw_rows
    final = None if stored.final_status is None else stored.final_status[hit]
    verdict = rank(
        Side(old.values, old.status, old.method),
        Side(incoming.values[hit], incoming.status[hit], incoming.method[hit]),
        final,
    )
    take[hit] = verdict.take
    merged.same += int(verdict.same.sum())
    merged.replaced += int(verdict.replaced.sum())
    merged.ignored += int(verdict.ignored.sum())
    for row in np.flatnonzero(verdict.large.any(axis=1)).tolist():
        slots = np.flatnonzero(verdict.large[row])
        worst = _change_micro_pct(old.values[row, slots], incoming.values[hit[row], slots])
        at = (int(incoming.channel_ids[hit[row]]), int(incoming.days[hit[row]]))
        merged.large_changes.append((*at, int(slots[0]), int(slots[-1]) + 1, worst))
    old_files, old_lines = origins(old)
    if verdict.replaced.any():
        merged.over = _replaced_by_file(incoming, old, hit, verdict.replaced, old_files)
    for target, source in (
        (incoming.values, old.values),
        (incoming.status, old.status),
        (incoming.method, old.method),
        (files, old_files),
        (arrival.lines, old_lines),
    ):
        target[hit] = np.where(verdict.take, target[hit], source)


def _replaced_by_file(
    incoming: Batch, old: Batch, hit: np.ndarray, replaced: np.ndarray, files: np.ndarray
) -> dict[tuple[int, int], tuple[int, int]]:
    """Return by channel and older file how many readings are replaced, and by how much in all."""
    rows, slots = np.nonzero(replaced)
    channels, owners = incoming.channel_ids[hit[rows]], files[rows, slots]
    new, before = incoming.values[hit[rows], slots], old.values[rows, slots]
    over = {}
    for channel, owner in set(zip(channels.tolist(), owners.tolist(), strict=True)):
        mine = (channels == channel) & (owners == owner)
        over[channel, owner] = (int(mine.sum()), total(new[mine]) - total(before[mine]))
    return over


def _change_micro_pct(old: np.ndarray, new: np.ndarray) -> int:
    """Return the largest change in 10^-6 %, rounded up; 100 % where something replaces zero."""
    whole = 100 * MICRO
    pairs = zip(old.tolist(), new.tolist(), strict=True)
    return max(whole if a == 0 else -(-abs(b - a) * whole // abs(a)) for a, b in pairs)


def edited(status: np.ndarray, method: np.ndarray) -> np.ndarray:
    """Return where a person's edit stands: a set value, or a value taken away by hand."""
    taken_away = (status == Status.MISSING) & (method == Method.MANUAL)
    return (status == Status.EDITED) | taken_away


def voided(final: Batch) -> np.ndarray:
    """Return where a person took a reading away, whatever was estimated in its place. One query."""
    mask = np.zeros(final.status.shape, bool)
    if not len(final):
        return mask
    first, last = (from_epoch_day(int(day)) for day in (final.days.min(), final.days.max()))
    rows = Edit.objects.filter(
        channel__in=np.unique(final.channel_ids).tolist(),
        start_utc__lt=day_start(last, "UTC") + timedelta(days=1),
        end_utc__gt=day_start(first, "UTC"),
    ).exclude(action=EditAction.ACCEPT)
    for edit in rows.order_by("pk"):
        length = mask.shape[1]
        for row in np.flatnonzero(final.channel_ids == edit.channel_id).tolist():
            midnight = day_start(from_epoch_day(int(final.days[row])), "UTC")
            step = timedelta(minutes=final.minutes)
            begin = min(length, max(0, (edit.start_utc - midnight) // step))
            end = min(length, max(0, (edit.end_utc - midnight) // step))
            mask[row, begin:end] = edit.action == EditAction.MARK_MISSING
    return mask


def _note_edits(incoming: Batch, locked: np.ndarray, take: np.ndarray, merged: Merged) -> None:
    """Remember where an arriving actual lies under a person's edit."""
    under = take & locked & (incoming.status != Status.ESTIMATED)
    for row in np.flatnonzero(under.any(axis=1)).tolist():
        slots = np.flatnonzero(under[row])
        at = (int(incoming.channel_ids[row]), int(incoming.days[row]))
        merged.late_on_edit.append((*at, int(slots[0]), int(slots[-1]) + 1))


def origins(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Return files and lines of all intervals of a batch."""
    per_day = batch.values.shape[1]
    files, lines = np.empty_like(batch.values), np.empty_like(batch.values)
    ends = np.cumsum(batch.run_counts)
    for row, (end, count) in enumerate(zip(ends.tolist(), batch.run_counts.tolist(), strict=True)):
        files[row], lines[row] = lines_of(batch.runs[end - count : end], per_day)
    return files, lines
