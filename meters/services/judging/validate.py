"""Validation and estimation: raw day blocks become final ones, findings are kept in step.

Days are local days of the channel's campus. Only what differs is written. Channels are worked in
chunks; the blocks of a chunk are one stage and its publication the next. If somebody else
published final readings of these channels in between, the chunk is worked out again. Channels whose
judgement rests on these ones follow: the main meter of a check meter that was read anew, and a gap
elsewhere on the campus that may be told better now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from django.db import transaction

from meters.queries.virtual import without_virtual
from meters.services.judging.beside_gaps import gaps_beside
from meters.services.judging.chunk import Chunk, VeeSummary
from meters.services.judging.companions import resting_on
from meters.services.judging.rulebook import Settings
from meters.services.judging.spans import Days, days_together
from meters.services.judging.subjects import subjects_of
from meters.services.publishing.listeners import corrected_by
from meters.services.publishing.publish import commit_without_waiting, lock_channels
from meters.services.steps import PlainSteps, Steps
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import zone_of

CHUNK_INTERVALS = 1_500_000
DAYS_MAX = 800


def validate_days(
    channel_ids: Iterable[int],
    first_day: date,
    last_day: date,
    *,
    now: datetime,
    actor: Actor,
    ctx: Steps | None = None,
    reason: str = "",
) -> VeeSummary:
    """Judge and estimate local days (inclusive) and publish final readings where they changed.

    Missing days are gaps only where a meter is installed and the day ended two hours before `now`.
    Accepted findings and edits stand. Channels that rest on these are judged after them. Raises
    NotFoundError for an unknown channel, Refused for a range that is empty or longer than 800 days.
    """
    require(actor, "meters.validate")
    length = (last_day - first_day).days + 1
    if not 0 < length <= DAYS_MAX:
        raise Refused("vee.range", f"Validate 1 to {DAYS_MAX} days at a time, not {length}.")
    ids = sorted(set(channel_ids))
    run = _Run(first_day, last_day, now, actor, ctx or PlainSteps(), reason)
    run.summary.channels, run.summary.days = len(ids), length
    run.follow(run.judge(ids, (first_day, last_day)))
    run.summary.corrections = corrected_by(run.summary.publications)
    return run.summary


class _Run:
    """One validation: the channels asked for, then those that rest on them."""

    def __init__(
        self, first: date, last: date, now: datetime, actor: Actor, steps: Steps, reason: str
    ) -> None:
        self.first, self.last, self.now, self.actor = first, last, now, actor
        self.steps, self.reason, self.summary = steps, reason, VeeSummary()
        self._changed: set[int] = set()
        self._stage = 0

    def judge(self, ids: list[int], asked: Days) -> dict[int, int]:
        """Judge days of channels in chunks; return the number of the chunk of each channel.

        Virtual channels are left out: they follow their terms.
        """
        total, ids = len(ids), without_virtual(ids)
        order: dict[int, int] = {}
        chunks = [
            (days, chunk)
            for days, group in days_together(ids, *asked).items()
            for chunk in _chunks(group, (days[1] - days[0]).days + 1)
        ]
        for number, (days, chunk) in enumerate(chunks):
            order.update(dict.fromkeys(chunk, number))
            for first, last in _segments(chunk, *days):
                self._work(Chunk(chunk, first, last, self.now, self.actor, self.reason), total)
        return order

    def _work(self, work: Chunk, total: int) -> None:
        label = f"{work.first} to {work.last}, {len(work.ids)} channels"
        with self.steps.stage(self._stage + 1, label, total, total) as todo:
            if todo:
                commit_without_waiting()
                work.write()
        with self.steps.stage(self._stage + 2, f"Publish {label}") as todo:
            if todo:
                work.publish(self.summary)
        self._stage += 2
        self._changed |= work.changed

    def follow(self, order: dict[int, int]) -> None:
        """Judge what rests on the channels judged, each at most once.

        A channel that was judged with or after its companion has seen it. Further ones follow only
        where a follower's readings changed.
        """
        done, seen = set(order), set(self._changed)
        wave = {
            other
            for channel_id, others in resting_on(order).items()
            for other in others
            if order.get(other, -1) < order[channel_id]
        }
        while wave:
            self._changed.clear()
            self.summary.followed += len(wave)
            self.judge(sorted(wave), (self.first, self.last))
            done |= wave
            seen |= self._changed
            resting = resting_on(self._changed).values() if self._changed else ()
            wave = {other for others in resting for other in others} - done
        self._fill_again(seen, done)

    def _fill_again(self, changed: set[int], done: set[int]) -> None:
        """Judge the gaps of other channels once more, where readings changed beside them."""
        for days, ids in gaps_beside(changed, self.first, self.last).items():
            late = [i for i in ids if i not in done]
            if late:
                self.summary.followed += len(late)
                self.judge(late, days)


def _chunks(ids: list[int], days: int) -> Iterator[list[int]]:
    """Cut the channels so that a chunk fits in memory (5-minute channels counted)."""
    size = max(1, CHUNK_INTERVALS // (days * 96))
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _segments(ids: list[int], first: date, last: date) -> list[tuple[date, date]]:
    """Cut the days where some rule setting of these channels changes."""
    changes = Settings(subjects_of(ids).values()).change_days(first, last)
    starts = [first, *changes]
    ends = [day - timedelta(days=1) for day in changes] + [last]
    return list(zip(starts, ends, strict=True))


def revalidate(
    channel_id: int,
    start_utc: datetime,
    end_utc: datetime,
    *,
    now: datetime,
    actor: Actor,
    reason: str = "",
) -> VeeSummary:
    """Validate the local days that [start, end) touches, inside the caller's transaction.

    `reason` is told with the versions it makes.
    """
    (subject,) = subjects_of([channel_id]).values()
    place = zone_of(subject.zone)
    first = start_utc.astimezone(place).date()
    last = (end_utc - timedelta(microseconds=1)).astimezone(place).date()
    with transaction.atomic():
        # All that may follow is locked at once and in order: two edits never wait for each other.
        resting = resting_on([channel_id]).values()
        followers = [*resting, *gaps_beside([channel_id], first, last).values()]
        lock_channels({channel_id}.union(*followers))
        return validate_days([channel_id], first, last, now=now, actor=actor, reason=reason)


__all__ = ["VeeSummary", "revalidate", "validate_days"]
