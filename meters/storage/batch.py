"""A batch of day blocks of one interval length, column by column.

Days are counted from 1970-01-01. `runs` holds the sources of all blocks behind each other, four
numbers a run: first interval, file, line, line step; `run_counts` tells how many belong to each
block. In the final layer the file is 0 and the line is the version of the raw block of that day.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from poweroptix.kernel.fixed import MISSING

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def epoch_day(day: date) -> int:
    """Return the days since 1970-01-01.

    >>> epoch_day(date(1970, 1, 2))
    1
    """
    return day.toordinal() - EPOCH_ORDINAL


def from_epoch_day(number: int) -> date:
    """Return the date of a day number.

    >>> from_epoch_day(19783).isoformat()
    '2024-03-01'
    """
    return date.fromordinal(int(number) + EPOCH_ORDINAL)


@dataclass
class Batch:
    """Day blocks in columns: n blocks of k = 1440 / minutes intervals."""

    minutes: int
    channel_ids: np.ndarray  # int64[n]
    days: np.ndarray  # int64[n]
    layers: np.ndarray  # int16[n]
    versions: np.ndarray  # int32[n]
    publication_ids: np.ndarray  # int64[n]
    values: np.ndarray  # int64[n, k], 10^-6 of the unit
    status: np.ndarray  # uint8[n, k]
    method: np.ndarray  # uint8[n, k]
    digests: np.ndarray  # V32[n]
    runs: np.ndarray  # int64[m, 4]
    run_counts: np.ndarray  # int64[n]

    def __len__(self):
        return len(self.channel_ids)

    @classmethod
    def empty(cls, minutes: int, count: int) -> Batch:
        """Return a batch of missing days, all keys 0, without sources."""
        per_day = 1440 // minutes
        return cls(
            minutes,
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int16),
            np.zeros(count, np.int32),
            np.zeros(count, np.int64),
            np.full((count, per_day), MISSING, np.int64),
            np.full((count, per_day), 100, np.uint8),
            np.zeros((count, per_day), np.uint8),
            np.zeros(count, "V32"),
            np.empty((0, 4), np.int64),
            np.zeros(count, np.int64),
        )

    def take(self, index: np.ndarray) -> Batch:
        """Return the blocks at these positions (or where a mask is true); of all: this batch."""
        positions = np.flatnonzero(index) if index.dtype == bool else index
        if len(positions) == len(self) and (positions[1:] > positions[:-1]).all():
            return self
        starts = np.concatenate(([0], np.cumsum(self.run_counts)))
        counts = self.run_counts[positions]
        runs = self.runs[spread(starts[positions], counts)]
        columns = {
            field.name: getattr(self, field.name)[positions]
            for field in fields(self)
            if field.name not in ("minutes", "runs", "run_counts")
        }
        return Batch(minutes=self.minutes, runs=runs, run_counts=counts, **columns)

    def part(self, first: int, end: int) -> Batch:
        """Return the blocks of positions [first, end); they share their memory with these."""
        start = int(self.run_counts[:first].sum())
        stop = start + int(self.run_counts[first:end].sum())
        columns = {
            field.name: getattr(self, field.name)[first:end]
            for field in fields(self)
            if field.name not in ("minutes", "runs")
        }
        return Batch(minutes=self.minutes, runs=self.runs[start:stop], **columns)

    def compute_digests(self) -> None:
        """Set `digests` to the SHA-256 of values (little-endian), status and method."""
        self.digests = digests_of(self.values, self.status, self.method)

    def tampered(self) -> np.ndarray:
        """Return True for blocks whose stored digest is not that of their content."""
        return digests_of(self.values, self.status, self.method) != self.digests

    def sources_of(self, position: int) -> np.ndarray:
        """Return the source runs of one block, int64[r, 4]."""
        start = int(self.run_counts[:position].sum())
        return self.runs[start : start + int(self.run_counts[position])]


def spread(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return start, start+1, ... of each given length behind each other.

    >>> spread(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    total = int(counts.sum())
    if total == 0:
        return np.empty(0, np.int64)
    ends = np.cumsum(counts)
    return np.arange(total) + np.repeat(starts - (ends - counts), counts)


def digests_of(values: np.ndarray, status: np.ndarray, method: np.ndarray) -> np.ndarray:
    """Return the SHA-256 of each row as fixed 32-byte cells."""
    count = len(values)
    if count == 0:
        return np.empty(0, "V32")
    content = np.concatenate(
        (
            np.ascontiguousarray(values, "<i8").view(np.uint8).reshape(count, -1),
            np.asarray(status, np.uint8),
            np.asarray(method, np.uint8),
        ),
        axis=1,
    )
    width = content.shape[1]
    whole = memoryview(np.ascontiguousarray(content).reshape(-1))
    sha256 = hashlib.sha256
    joined = b"".join(
        sha256(whole[start : start + width]).digest() for start in range(0, count * width, width)
    )
    return np.frombuffer(joined, "V32").copy()


def run_lengths(
    files: np.ndarray, lines: np.ndarray, present: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (runs, run_counts) of n x k files and lines; runs keep a constant line step.

    Two neighbours belong to one run when the file is the same and the step to the line before is
    the step of the run. Missing intervals belong to no run of their own: they end one.

    >>> there = np.ones((1, 3), bool)
    >>> runs, counts = run_lengths(np.array([[7] * 3]), np.array([[4, 6, 8]]), there)
    >>> runs.tolist(), counts.tolist()
    ([[0, 7, 4, 2]], [1])
    """
    count, per_day = files.shape
    step = np.zeros((count, per_day), np.int64)
    np.subtract(lines[:, 1:], lines[:, :-1], out=step[:, 1:])
    joined = np.zeros((count, per_day), bool)
    joined[:, 1:] = present[:, 1:] & present[:, :-1] & (files[:, 1:] == files[:, :-1])
    # Most days are cut like the day before: only those that differ are looked at.
    differs = np.ones(count, bool)
    for told in (step, joined, present):
        differs[1:] &= (told[1:] == told[:-1]).all(axis=1)
    differs[1:] = ~differs[1:]
    shape = np.cumsum(differs) - 1
    starts = _starts(step[differs], joined[differs], present[differs])[shape]
    block, first = np.nonzero(starts)
    follower = np.minimum(first + 1, per_day - 1)
    follows = joined[block, follower] & ~starts[block, follower]
    steps = np.where(follows, step[block, follower], 0)
    runs = np.stack((first, files[block, first], lines[block, first], steps), axis=1)
    return runs.astype(np.int64), starts.sum(axis=1).astype(np.int64)


def _starts(step: np.ndarray, joined: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return where a run begins, from line steps and from what is joined to its left neighbour."""
    starts = present & ~joined
    turns = joined.copy()
    turns[:, 1:] &= step[:, 1:] != step[:, :-1]
    turns[:, 1:] &= ~starts[:, :-1]
    if turns.any():
        # The interval after a start only tells the step of its run, so it cannot turn it.
        for i in range(1, step.shape[1]):
            starts[:, i] |= turns[:, i] & ~starts[:, i - 1]
    return starts


def lines_of(runs: np.ndarray, per_day: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (files, lines) of each interval of one block from its runs; 0 where none tells.

    >>> files, lines = lines_of(np.array([[0, 7, 4, 2]]), 3)
    >>> files.tolist(), lines.tolist()
    ([7, 7, 7], [4, 6, 8])
    """
    if len(runs) == 0:
        return np.zeros(per_day, np.int64), np.zeros(per_day, np.int64)
    slot = np.arange(per_day)
    owner = np.searchsorted(runs[:, 0], slot, side="right") - 1
    known = owner >= 0
    run = runs[np.maximum(owner, 0)]
    lines = run[:, 2] + run[:, 3] * (slot - run[:, 0])
    return np.where(known, run[:, 1], 0), np.where(known, lines, 0)
