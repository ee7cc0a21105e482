"""Validation and estimation: raw day blocks become final ones, findings are kept in step.

Days are local days of the channel's campus. Only what differs is written. Channels are worked in
chunks; the blocks of a chunk are one stage and its publication the next. If somebody else
published final readings of these channels in between, the chunk is worked out again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction

from meters.models import (
    Finding,
    FindingState,
    Layer,
    Publication,
    PublicationKind,
    Role,
    VeeRun,
)
from meters.services.judging import estimating
from meters.services.judging.findings import keep_in_step
from meters.services.judging.judge import Accepted, Case, Judging, Outcome, Readings
from meters.services.judging.rulebook import Rulebook, Settings
from meters.services.judging.subjects import Subject, Surroundings, subjects_of, surroundings
from meters.services.judging.window import Window
from meters.services.publishing.publish import (
    Held,
    commit_without_waiting,
    lock_channels,
    open_publication,
    publish,
    withdraw,
)
from meters.services.steps import PlainSteps, Steps
from meters.storage import Batch, Outflow
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import day_start, zone_of

CHUNK_INTERVALS = 1_500_000
PART_INTERVALS = 100_000
GAP_GRACE = timedelta(hours=2)
DAYS_MAX = 800


@dataclass
class VeeSummary:
    """What a validation did."""

    channels: int = 0
    days: int = 0
    blocks: int = 0
    estimated: int = 0
    findings: Counter = field(default_factory=Counter)
    publications: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "channels": self.channels,
            "days": self.days,
            "blocks": self.blocks,
            "estimated": self.estimated,
            "findings": dict(sorted(self.findings.items())),
            "publications": self.publications,
        }


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
    Accepted findings and edits stand. Raises NotFoundError for an unknown channel, Refused for a
    range that is empty or longer than 800 days.
    """
    require(actor, "meters.validate")
    length = (last_day - first_day).days + 1
    if not 0 < length <= DAYS_MAX:
        raise Refused("vee.range", f"Validate 1 to {DAYS_MAX} days at a time, not {length}.")
    ids = sorted(set(channel_ids))
    summary = VeeSummary(channels=len(ids), days=length)
    steps, stage = ctx or PlainSteps(), 0
    for chunk in _chunks(ids, length):
        for first, last in _segments(chunk, first_day, last_day):
            work = _Chunk(chunk, first, last, now, actor, reason)
            label = f"{first} to {last}, {len(chunk)} channels"
            with steps.stage(stage + 1, label, summary.channels, len(ids)) as todo:
                if todo:
                    commit_without_waiting()
                    work.write()
            with steps.stage(stage + 2, f"Publish {label}") as todo:
                if todo:
                    work.publish(summary)
            stage += 2
    return summary


def _chunks(ids: list[int], days: int) -> list[list[int]]:
    """Cut the channels so that a chunk fits in memory (5-minute channels counted)."""
    size = max(1, CHUNK_INTERVALS // (days * 96))
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _segments(ids: list[int], first: date, last: date) -> list[tuple[date, date]]:
    """Cut the days where some rule setting of these channels changes."""
    changes = Settings(subjects_of(ids).values()).change_days(first, last)
    starts = [first, *changes]
    ends = [day - timedelta(days=1) for day in changes] + [last]
    return list(zip(starts, ends, strict=True))


@dataclass
class _Group:
    """Channels of one zone and interval length: what is judged of them, and what came of it.

    `outcomes` come without readings, those are in the window; `waiting` are channels with a gap, by
    their position.
    """

    subjects: list[Subject]
    days: tuple[date, date]
    window: Window
    around: Surroundings
    books: list[Rulebook]
    waiting: dict[int, Judging] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)


class _Chunk:
    """Some channels over some days: read, judge, write, publish."""

    def __init__(
        self, ids: list[int], first: date, last: date, now: datetime, actor: Actor, reason: str
    ) -> None:
        self.ids, self.first, self.last = ids, first, last
        self.now, self.actor, self.reason = now, actor, reason
        self.publication: Publication | None = None
        self.base: dict[int, Window] = {}
        self.held = Held()
        self.counts: Counter = Counter()
        self.blocks = self.estimated = 0
        self.written = False

    def write(self) -> None:
        """Judge everything and write what changed, unseen."""
        lock_channels(self.ids)
        subjects = subjects_of(self.ids)
        settings = Settings(subjects.values())
        self.counts, self.blocks, self.estimated = Counter(), 0, 0
        self.publication, self.base, self.held = None, {}, Held()
        groups = [
            self._read(zone, minutes, group, settings)
            for (zone, minutes), group in _grouped(subjects).items()
        ]
        with Outflow(self.now) as out:
            for group in groups:
                self._apply_rules(group, out)
            out.finish()
            for group in groups:
                self._fill_gaps(group, out)
        runs = []
        for group in groups:
            for at, subject in enumerate(group.subjects):
                book, outcome = group.books[at], group.outcomes[at]
                runs.append(self._run(subject, group.days, book, outcome))
                findings = group.around.findings[subject.channel_id]
                keep_in_step(subject, outcome, findings, book, self.actor, self.now)
        for run in runs:
            run.publication_id = self.publication.pk if self.publication else None
        VeeRun.objects.bulk_create(runs)
        self.written = True

    def publish(self, summary: VeeSummary) -> None:
        """Make the blocks visible; work the chunk out again if its ground has moved."""
        lock_channels(self.ids)
        if not self.written or any(window.has_moved() for window in self.base.values()):
            if self.publication is not None:
                withdraw(self.publication, self.now)
            self.write()
        if self.publication is not None:
            publish(self.publication, self.now, self.held)
            summary.publications.append(self.publication.pk)
        summary.blocks += self.blocks
        summary.estimated += self.estimated
        summary.findings += self.counts

    def _days(self, zone: str, group: list[Subject]) -> tuple[date, date]:
        """Return the days, widened to the whole of findings that begin or end outside of them."""
        start = day_start(self.first, zone)
        end = day_start(self.last + timedelta(days=1), zone)
        ids = [s.channel_id for s in group]
        alive = Finding.objects.filter(
            channel__in=ids, start_utc__lt=end, end_utc__gt=start
        ).filter(state__in=[FindingState.OPEN, FindingState.ESTIMATED])
        place = zone_of(zone)
        first, last = self.first, self.last
        for begin, stop in alive.values_list("start_utc", "end_utc"):
            first = min(first, begin.astimezone(place).date())
            last = max(last, (stop - timedelta(microseconds=1)).astimezone(place).date())
        return first, last

    def _read(
        self, zone: str, minutes: int, subjects: list[Subject], settings: Settings
    ) -> _Group:
        """Read what is judged together."""
        days = self._days(zone, subjects)
        start = day_start(days[0], zone)
        end = day_start(days[1] + timedelta(days=1), zone)
        ids = [s.channel_id for s in subjects]
        window = Window.read(ids, start, end, minutes)
        self.base[window.key] = window
        books = [settings.book(s.channel_id, s.campus_id, self.first) for s in subjects]
        return _Group(subjects, days, window, surroundings(ids, start, end), books)

    def _apply_rules(self, group: _Group, out: Outflow) -> None:
        """Judge channels; what changed is sent while the next ones are judged.

        Channels with a gap wait until the rules have judged all others: their estimates may rest
        on each other's readings.
        """
        window, count = group.window, len(group.subjects)
        size = max(1, PART_INTERVALS // window.grid.count)
        for first in range(0, count, size):
            part = range(first, min(first + size, count))
            for at in part:
                case = self._case(group.subjects[at], window, group.around)
                judging = Judging(case, group.books[at])
                window.set_final(case.subject.channel_id, judging.now)
                if judging.wanted.any():
                    group.waiting[at] = judging
                else:
                    group.outcomes[at] = self._decided(judging.finish())
            self._send(out, window.changed(_positions(part, group.waiting)))

    def _fill_gaps(self, group: _Group, out: Outflow) -> None:
        """Estimate what is missing in the channels that waited."""
        if not group.waiting:
            return
        out.finish()
        window, gaps = group.window, list(group.waiting.values())
        history = estimating.History(window, gaps, list(self.base.values()), self.now)
        for at, judging in group.waiting.items():
            outcome = judging.finish(history.estimate_with(group.books[at]))
            window.set_final(judging.subject.channel_id, outcome.readings)
            group.outcomes[at] = self._decided(outcome)
        self._send(out, window.changed(np.array(list(group.waiting), np.int64)))

    def _decided(self, outcome: Outcome) -> Outcome:
        """Count an outcome; give it back without its readings, which are in the window."""
        self._count(outcome)
        return replace(outcome, readings=Readings.absent(0))

    def _case(self, subject: Subject, window: Window, around: Surroundings) -> Case:
        """Return what is judged of one channel."""
        grid = window.grid
        return Case(
            subject=subject,
            grid=grid,
            raw=window.readings(subject.channel_id, Layer.RAW),
            final=window.readings(subject.channel_id, Layer.FINAL),
            edited=_edited(around.edits[subject.channel_id], grid),
            due_utc=_due(subject.zone, self.now),
            flags=_flags(around.notes[subject.channel_id], grid),
            accepted=[
                Accepted(f.rule_code, f.start_utc, f.end_utc)
                for f in around.findings[subject.channel_id]
                if f.state == FindingState.ACCEPTED
            ],
        )

    def _count(self, outcome: Outcome) -> None:
        """Add an outcome to the summary of the chunk."""
        self.estimated += outcome.estimated
        for judgement in outcome.judgements:
            self.counts[judgement.finding.code] += 1

    def _run(
        self, subject: Subject, days: tuple[date, date], book: Rulebook, outcome: Outcome
    ) -> VeeRun:
        return VeeRun(
            channel_id=subject.channel_id,
            first_day=days[0],
            last_day=days[1],
            rules_digest=book.digest,
            counts={
                "estimated": outcome.estimated,
                "findings": dict(Counter(j.finding.code for j in outcome.judgements)),
            },
            actor=str(self.actor)[:150],
            created_at=self.now,
        )

    def _send(self, out: Outflow, changed: Batch) -> None:
        """Send changed days, under a publication that begins with the first of them."""
        if len(changed) == 0:
            return
        if self.publication is None:
            self.publication = open_publication(
                PublicationKind.VEE,
                actor=self.actor,
                now=self.now,
                reason=self.reason or f"{self.first} to {self.last}",
            )
        changed.publication_ids[:] = self.publication.pk
        self.blocks += out.send(changed)
        self.held.add(changed)


def _positions(part: range, without: dict[int, Judging]) -> slice | np.ndarray:
    """Return the positions of a part that are not among some; a slice where it is all of them."""
    if without.keys().isdisjoint(part):
        return slice(part.start, part.stop)
    return np.array([at for at in part if at not in without], np.int64)


def _grouped(subjects: dict[int, Subject]) -> dict[tuple[str, int], list[Subject]]:
    """Return the subjects by zone and interval length, check meters before those they check."""
    groups: dict[tuple[str, int], list[Subject]] = {}
    for subject in sorted(subjects.values(), key=lambda each: each.role == Role.MAIN):
        groups.setdefault((subject.zone, subject.minutes), []).append(subject)
    return groups


def _due(zone: str, now: datetime) -> datetime:
    """Return the newest local midnight that lies at least two hours back."""
    today = (now - GAP_GRACE).astimezone(zone_of(zone)).date()
    return day_start(today, zone)


def _flags(notes: list[Any], grid: Grid) -> list[tuple[int, int, str, dict]]:
    """Return notes as index ranges of the grid."""
    step = timedelta(minutes=grid.minutes)
    ranges = []
    for note in notes:
        first = max(0, (note.start_utc - grid.start_utc) // step)
        end = min(grid.count, (note.end_utc - grid.start_utc) // step)
        if first < end:
            ranges.append((int(first), int(end), note.code, dict(note.detail)))
    return sorted(ranges, key=lambda r: r[:3])


def _edited(edits: list[Any], grid: Grid) -> np.ndarray:
    """Return where a person's edit stands: the last edit of each interval is no revert."""
    step = timedelta(minutes=grid.minutes)
    mask = np.zeros(grid.count, bool)
    for edit in edits:
        first = max(0, (edit.start_utc - grid.start_utc) // step)
        end = min(grid.count, (edit.end_utc - grid.start_utc) // step)
        mask[first:end] = edit.action != "REVERT"
    return mask


def revalidate(
    channel_id: int, start_utc: datetime, end_utc: datetime, *, now: datetime, actor: Actor
) -> VeeSummary:
    """Validate the local days that [start, end) touches, inside the caller's transaction."""
    (subject,) = subjects_of([channel_id]).values()
    place = zone_of(subject.zone)
    first = start_utc.astimezone(place).date()
    last = (end_utc - timedelta(microseconds=1)).astimezone(place).date()
    with transaction.atomic():
        return validate_days([channel_id], first, last, now=now, actor=actor)


__all__ = ["VeeSummary", "revalidate", "validate_days"]
