"""Some channels over some days under validation: read, judge, write, publish.

Channels are judged in steps, each for all of them before the next begins, so that the order of
channels is indifferent: rules on a channel by itself, cross checks, estimates, and rules once more
over what was estimated. What is decided is sent while the next channels are judged; a channel
waits only if something stands beside it or it has a gap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

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
from meters.services.judging.case import Case, Outcome, Readings
from meters.services.judging.findings import closing_codes, keep_in_step, managed_codes
from meters.services.judging.judge import Judging
from meters.services.judging.knowledge import Knowledge
from meters.services.judging.rulebook import Rulebook, Settings
from meters.services.judging.subjects import Subject, Surroundings, subjects_of, surroundings
from meters.services.judging.window import Window
from meters.services.publishing.publish import (
    Held,
    lock_channels,
    open_publication,
    publish,
    withdraw,
)
from meters.storage import Batch, Outflow
from poweroptix.audit.actor import Actor
from poweroptix.kernel.period import day_start, zone_of

PART_INTERVALS = 100_000
GAP_GRACE = timedelta(hours=2)


@dataclass
class VeeSummary:
    """What a validation did.

    `followed`: channels that were judged as well because their judgement rests on a channel that
    was asked for. `read`: published blocks that were looked at. `corrections`: what is approved on
    readings that it changed, in sentences.
    """

    channels: int = 0
    days: int = 0
    blocks: int = 0
    estimated: int = 0
    followed: int = 0
    read: int = 0
    findings: Counter = field(default_factory=Counter)
    publications: list[int] = field(default_factory=list)
    corrections: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "channels": self.channels,
            "followed": self.followed,
            "days": self.days,
            "read": self.read,
            "blocks": self.blocks,
            "estimated": self.estimated,
            "findings": dict(sorted(self.findings.items())),
            "publications": self.publications,
            "corrections": self.corrections,
        }


@dataclass
class _Group:
    """Channels of one zone and interval length: what is judged of them, and what came of it.

    By position: `near` are channels that others stand beside or that stand beside others, `open`
    those with a gap. `outcomes` come without readings, those are in the window.
    """

    subjects: list[Subject]
    days: tuple[date, date]
    window: Window
    around: Surroundings
    books: list[Rulebook]
    knowledge: Knowledge
    near: dict[int, Judging] = field(default_factory=dict)
    open: dict[int, Judging] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def show(self, some: dict[int, Judging]) -> None:
        """Let others see some channels as they are judged now."""
        for judging in some.values():
            self.window.set_final(judging.subject.channel_id, judging.now)


class Chunk:
    """Some channels over some days."""

    def __init__(
        self, ids: list[int], first: date, last: date, now: datetime, actor: Actor, reason: str
    ) -> None:
        self.ids, self.first, self.last = ids, first, last
        self.now, self.actor, self.reason = now, actor, reason
        self.changed: set[int] = set()
        self._reset()
        self._written = False

    def _reset(self) -> None:
        self.publication: Publication | None = None
        self._windows: list[Window] = []
        self._held = Held()
        self._counts: Counter = Counter()
        self._blocks = self._estimated = self._read_blocks = 0
        self.changed.clear()

    def write(self) -> None:
        """Judge everything and write what changed, unseen.

        A finding that begins before the days judged widens them: once more, over the whole of it.
        """
        lock_channels(self.ids)
        if self._judge_all():
            if self.publication is not None:
                withdraw(self.publication, self.now)
            self._judge_all()
        self._written = True

    def publish(self, summary: VeeSummary) -> None:
        """Make the blocks visible; work the chunk out again if its ground has moved."""
        lock_channels(self.ids)
        if not self._written or any(window.has_moved() for window in self._windows):
            if self.publication is not None:
                withdraw(self.publication, self.now)
            self.write()
        if self.publication is not None:
            publish(self.publication, self.now, self._held)
            summary.publications.append(self.publication.pk)
        summary.blocks += self._blocks
        summary.read += self._read_blocks
        summary.estimated += self._estimated
        summary.findings += self._counts

    # -- judging --------------------------------------------------------------------------------

    def _judge_all(self) -> bool:
        """Judge all channels; return whether a finding begins before the days that were judged."""
        self._reset()
        subjects = subjects_of(self.ids)
        settings = Settings(subjects.values())
        with Outflow(self.now) as out:
            groups = [
                self._read(zone, minutes, group, settings, out)
                for (zone, minutes), group in _grouped(subjects).items()
            ]
            self._arrive(groups)
            for group in groups:
                self._by_themselves(group, out)
            self._beside_others(groups)
            for group in groups:
                self._decide(group, out, lambda judging: not judging.wanted.any())
            out.finish()
            for group in groups:
                self._fill_gaps(group)
            for group in groups:
                for judging in group.open.values():
                    judging.once_more()
            for group in groups:
                self._decide(group, out, lambda _: True)
        self._read_blocks = sum(w.blocks_read for w in self._windows)
        self._read_blocks += sum(group.knowledge.blocks_read for group in groups)
        return self._file(groups)

    def _read(
        self,
        zone: str,
        minutes: int,
        subjects: list[Subject],
        settings: Settings,
        out: Outflow,
    ) -> _Group:
        """Read what is judged together."""
        days = self._days(zone, subjects)
        start = day_start(days[0], zone)
        end = day_start(days[1] + timedelta(days=1), zone)
        ids = [s.channel_id for s in subjects]
        window = Window.read(ids, start, end, minutes)
        self._windows.append(window)
        books = [settings.book(s, self.first) for s in subjects]
        knowledge = Knowledge(window, subjects, self.now, self._window_of, out.finish)
        return _Group(subjects, days, window, surroundings(ids, start, end), books, knowledge)

    def _window_of(self, channel_id: int) -> Window | None:
        """Return the window in which this chunk judges a channel."""
        return next((window for window in self._windows if window.has(channel_id)), None)

    def _days(self, zone: str, group: list[Subject]) -> tuple[date, date]:
        """Return the days, widened to the whole of findings that begin or end outside of them."""
        start = day_start(self.first, zone)
        end = day_start(self.last + timedelta(days=1), zone)
        ids = [s.channel_id for s in group]
        alive = (
            Finding.objects.filter(channel__in=ids, start_utc__lt=end, end_utc__gt=start)
            .filter(state__in=[FindingState.OPEN, FindingState.ESTIMATED])
            .exclude(rule_code__in=closing_codes())
        )
        place = zone_of(zone)
        first, last = self.first, self.last
        for begin, stop in alive.values_list("start_utc", "end_utc"):
            first = min(first, begin.astimezone(place).date())
            last = max(last, (stop - timedelta(microseconds=1)).astimezone(place).date())
        return first, last

    def _arrive(self, groups: Sequence[_Group]) -> None:
        """Take what arrived of channels that stand beside each other, so that all see it."""
        seen = {
            each.channel.channel_id
            for group in groups
            for beside in group.knowledge.beside.values()
            for each in beside
        }
        for group in groups:
            for at, subject in enumerate(group.subjects):
                if subject.channel_id in seen or group.knowledge.beside.get(subject.channel_id):
                    group.near[at] = Judging(self._case(group, at), group.books[at])
            group.show(group.near)

    def _by_themselves(self, group: _Group, out: Outflow) -> None:
        """Judge each channel by itself; what stands alone and has no gap is decided."""
        window, count = group.window, len(group.subjects)
        size = max(1, PART_INTERVALS // window.grid.count)
        for first in range(0, count, size):
            part, waiting = range(first, min(first + size, count)), set()
            for at in part:
                judging = group.near.get(at)
                if judging is not None:
                    judging.by_itself()
                    waiting.add(at)
                    continue
                judging = Judging(self._case(group, at), group.books[at])
                judging.by_itself()
                judging.beside_others()
                if judging.wanted.any():
                    window.set_final(judging.subject.channel_id, judging.now)
                    group.open[at] = judging
                    waiting.add(at)
                else:
                    self._decided(group, at, judging)
            self._send(out, window.changed(_positions(part, waiting)))

    def _beside_others(self, groups: Sequence[_Group]) -> None:
        """Let the cross checks judge, each on what all channels are by themselves."""
        for group in groups:
            group.show(group.near)
        for group in groups:
            for judging in group.near.values():
                judging.beside_others()
        for group in groups:
            group.show(group.near)
            group.open.update(group.near)
            group.near = {}

    def _fill_gaps(self, group: _Group) -> None:
        """Estimate what is missing in the channels that are open."""
        window, gaps = group.window, list(group.open.values())
        if not gaps:
            return
        history = estimating.History(window, gaps, self._windows, self.now)
        for at, judging in group.open.items():
            judging.estimate(history.estimate_with(group.books[at]))
            window.set_final(judging.subject.channel_id, judging.now)

    def _decide(self, group: _Group, out: Outflow, is_done: Callable[[Judging], bool]) -> None:
        """Decide open channels and send what changed in them."""
        done = [at for at, judging in group.open.items() if is_done(judging)]
        for at in done:
            self._decided(group, at, group.open.pop(at))
        if done:
            self._send(out, group.window.changed(np.array(sorted(done), np.int64)))

    def _decided(self, group: _Group, at: int, judging: Judging) -> None:
        """Keep and count an outcome; its readings go into the window."""
        outcome = judging.finish()
        group.window.set_final(judging.subject.channel_id, outcome.readings)
        group.outcomes[at] = replace(outcome, readings=Readings.absent(0))
        self._estimated += outcome.estimated
        for judgement in outcome.judgements:
            self._counts[judgement.finding.code] += 1

    def _case(self, group: _Group, at: int) -> Case:
        """Return what is judged of one channel."""
        subject, window, around = group.subjects[at], group.window, group.around
        grid, knowledge = window.grid, group.knowledge
        return Case(
            subject=subject,
            grid=grid,
            raw=window.readings(subject.channel_id, Layer.RAW),
            final=window.readings(subject.channel_id, Layer.FINAL),
            edited=around.edited(subject.channel_id, grid),
            voided=around.voided(subject.channel_id, grid),
            due_utc=_due(subject.zone, self.now),
            flags=around.flags(subject, grid),
            accepted=around.accepted(subject.channel_id),
            known=lambda: knowledge.circumstances(subject),
            before=lambda: knowledge.before(subject),
        )  # fmt: skip

    # -- writing --------------------------------------------------------------------------------

    def _file(self, groups: Sequence[_Group]) -> bool:
        """Keep the findings; return whether one begins before the days that were judged."""
        codes = managed_codes()
        runs, reaches_back = [], False
        for group in groups:
            start, end = group.window.grid.start_utc, group.window.grid.end_utc
            for at, subject in enumerate(group.subjects):
                book, outcome = group.books[at], group.outcomes[at]
                runs.append(self._run(subject, group.days, book, outcome))
                found = group.around.findings[subject.channel_id]
                keep_in_step(
                    subject, outcome, found, book, self.actor, self.now, codes=codes, end_utc=end
                )
                reaches_back |= any(j.finding.start_utc < start for j in outcome.judgements)
        if not reaches_back:
            for run in runs:
                run.publication_id = self.publication.pk if self.publication else None
            VeeRun.objects.bulk_create(runs)
        return reaches_back

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
        self._blocks += out.send(changed)
        self._held.add(changed)
        self.changed.update(changed.channel_ids.tolist())


def _positions(part: range, without: set[int]) -> slice | np.ndarray:
    """Return the positions of a part that are not among some; a slice where it is all of them."""
    if without.isdisjoint(part):
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
