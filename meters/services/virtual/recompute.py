"""Readings of virtual channels: computed from the terms as published, written where they differ.

Whole UTC days; every interval length divides a day, so a day rests on the same day of its terms
alone. A written block remembers the terms it was computed from: a source run per definition and
term holds the first interval, the term's channel as a negative number, the version of the term's
final block, and the definition.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from meters.calc.expressions import Fault
from meters.calc.virtual import Virtual
from meters.models import Publication, PublicationKind
from meters.queries.virtual import computed
from meters.services.judging.judge import Readings
from meters.services.judging.window import Window
from meters.services.publishing.publish import (
    Held,
    lock_channels,
    midnight,
    open_publication,
    publish,
)
from meters.services.virtual.faults import keep_faults
from meters.storage import Batch, write
from poweroptix.audit.actor import Actor
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

ACTOR = Actor.system("virtual")
DAY = timedelta(days=1)


@dataclass
class Recomputed:
    """What a computation did."""

    channels: int = 0
    blocks: Counter = field(default_factory=Counter)
    publication: Publication | None = None

    @property
    def written(self) -> int:
        """Return how many blocks were written."""
        return self.blocks.total()


def recompute(
    channel_ids: Iterable[int], days: Iterable[int], *, now: datetime, reason: str
) -> Recomputed:
    """Compute virtual channels on UTC days (numbers) and publish what differs, as one publication.

    Must run in a transaction. All channels that rest on each other belong into one call; of the
    terms outside, what is published counts. Equal content makes no version.
    """
    ids = sorted(set(channel_ids))
    result = Recomputed(channels=len(ids))
    lock_channels(ids)
    batches: list[Batch] = []
    for first, last in stretches(days):
        work = Stretch(ids, first, last)
        keep_faults(work.faults, ids, midnight(first), midnight(last + 1), now=now)
        batches += work.changed()
    if not batches:
        return result
    held = Held()
    publication = open_publication(PublicationKind.VIRTUAL, actor=ACTOR, now=now, reason=reason)
    for batch in batches:
        batch.publication_ids[:] = publication.pk
        write(batch, now)
        held.add(batch)
        result.blocks.update(batch.channel_ids.tolist())
    publish(publication, now, held)
    result.publication = publication
    return result


def stretches(days: Iterable[int]) -> list[tuple[int, int]]:
    """Return day numbers as stretches without holes, first and last day.

    >>> stretches([5, 1, 2])
    [(1, 2), (5, 5)]
    """
    ordered = sorted(set(days))
    breaks = [n + 1 for n, (a, b) in enumerate(pairwise(ordered)) if b != a + 1]
    edges = [0, *breaks, len(ordered)]
    return [(ordered[a], ordered[b - 1]) for a, b in pairwise(edges) if a < b]


class Stretch:
    """Some virtual channels on consecutive UTC days: what they are now, beside what is stored."""

    def __init__(self, ids: list[int], first: int, last: int) -> None:
        self.start, self.end = midnight(first), midnight(last + 1)
        self._computed = computed(ids, first, last)
        self._versions = dict(self._computed.versions)

    @property
    def faults(self) -> dict[int, list[Fault]]:
        """Return the intervals without a value although their terms have one, by channel."""
        return self._computed.faults

    def changed(self) -> list[Batch]:
        """Return the days that differ from what is published, as new versions with their terms."""
        groups: dict[int, list[int]] = defaultdict(list)
        for pk, series in self._computed.series.items():
            groups[series.grid.minutes].append(pk)
        batches = []
        for minutes, ids in sorted(groups.items()):
            window = Window.read(ids, self.start, self.end, minutes)
            for pk in ids:
                window.set_final(pk, readings_of(self._computed.series[pk]))
                known = window.known_versions(pk, self.start, self.end)
                self._versions |= {(pk, day): final for day, _raw, final in known}
            batch = window.changed()
            keys = zip(batch.channel_ids.tolist(), batch.days.tolist(), strict=True)
            self._versions |= dict(zip(keys, batch.versions.tolist(), strict=True))
            if len(batch):
                batches.append(batch)
        known = self._computed.defined
        virtuals = {known.own[one.code]: one for one in known.virtuals}
        for batch in batches:
            self._tell_terms(batch, virtuals)
        return batches

    def _tell_terms(self, batch: Batch, virtuals: Mapping[int, Virtual]) -> None:
        """Write into each block which versions of which terms it was computed from."""
        runs, counts = [], []
        for channel_id, day in zip(batch.channel_ids.tolist(), batch.days.tolist(), strict=True):
            rows = self._terms(virtuals[channel_id], day)
            runs += rows
            counts.append(len(rows))
        batch.runs = np.array(runs, np.int64).reshape(-1, 4)
        batch.run_counts = np.array(counts, np.int64)

    def _terms(self, virtual: Virtual, day: int) -> list[list[int]]:
        start, rows = midnight(day), []
        for version in sorted(virtual.versions, key=lambda one: one.from_utc):
            begins = max(version.from_utc, start)
            if begins >= start + DAY or not version.holds(begins):
                continue
            interval = (begins - start) // timedelta(minutes=virtual.minutes)
            for code in dict.fromkeys(version.channels().values()):
                pk = self._computed.defined.ids[code]
                rows.append([interval, -pk, self._versions.get((pk, day), 0), version.key])
        return rows


def readings_of(series: Series) -> Readings:
    """Return computed readings as they are stored, with their method."""
    method = np.where(series.values == MISSING, 0, int(Method.CALCULATED)).astype(np.uint8)
    return Readings(series.values, series.status, method)
