"""Content of blocks that this process has just written, found again by its digest.

Validation follows reception, and what it judges was in memory a moment before. The database is
still asked which versions there are and what their digests are; only content that it would send
byte for byte the same is taken from here. Bounded: what was kept longest is forgotten first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np

from .batch import Batch

LIMIT_READINGS = 4_000_000  # ten bytes each


@dataclass(frozen=True)
class _Kept:
    """Content of some blocks of one interval length; nobody else holds these arrays."""

    channel_ids: frozenset[int]
    digests: np.ndarray
    values: np.ndarray
    method: np.ndarray


class Recent:
    """A bounded memory of block contents."""

    def __init__(self, limit_readings: int = LIMIT_READINGS) -> None:
        self._limit = limit_readings
        self._kept: deque[_Kept] = deque()
        self._held = 0
        self._lock = Lock()

    def keep(self, batch: Batch) -> None:
        """Remember the content of blocks by their digests."""
        if len(batch) == 0 or batch.values.size > self._limit:
            return
        kept = _Kept(
            frozenset(np.unique(batch.channel_ids).tolist()),
            batch.digests.copy(),
            batch.values.copy(),
            batch.method.copy(),
        )
        with self._lock:
            self._kept.append(kept)
            self._held += kept.values.size
            while self._held > self._limit:
                self._held -= self._kept.popleft().values.size

    def known(self, channel_ids: list[int]) -> list[int]:
        """Return those of the channels of which something is here."""
        with self._lock:
            known = set().union(*(kept.channel_ids for kept in self._kept))
        return [channel_id for channel_id in channel_ids if channel_id in known]

    def fill(self, batch: Batch) -> np.ndarray:
        """Set values and methods of blocks read without content; return where they were here."""
        with self._lock:
            kept = list(self._kept)
        return _fill(batch, kept)


def fill_from(batch: Batch, sources: list[Batch]) -> None:
    """Set values and methods of the blocks whose content is among some that were read with it."""
    _fill(batch, [_Kept(frozenset(), each.digests, each.values, each.method) for each in sources])


def _fill(batch: Batch, kept: list[_Kept]) -> np.ndarray:
    """Set contents by digest; return where they were found."""
    kept = [k for k in kept if k.values.shape[1] == batch.values.shape[1]]
    if not kept:
        return np.zeros(len(batch), bool)
    known = np.concatenate([k.digests for k in kept])
    starts = np.cumsum([0] + [len(k.digests) for k in kept]).tolist()
    order = np.argsort(_head(known))
    at = np.searchsorted(_head(known), _head(batch.digests), sorter=order)
    found = order[np.minimum(at, len(order) - 1)]
    here = known[found] == batch.digests
    for first, end, source in zip(starts, starts[1:], kept, strict=False):
        rows = np.flatnonzero(here & (found >= first) & (found < end))
        batch.values[rows] = source.values[found[rows] - first]
        batch.method[rows] = source.method[found[rows] - first]
    return here


def _head(digests: np.ndarray) -> np.ndarray:
    """Return the first eight bytes of digests as numbers."""
    return np.ascontiguousarray(digests).view("<u8").reshape(-1, 4)[:, 0]


recent = Recent()
