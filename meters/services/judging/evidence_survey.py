"""What is known around the channels of a window that have a gap, read for all of them at once.

Readings of the 35 days before the judged range and of the 7 days after it, wider where a register
was read before or after; companions, device flags, installations, holidays, interruptions,
registers, plants. What is judged in this run counts as it is judged there, not as it was published
before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.estimation import Flag
from meters.estimation._base import usable
from meters.models import Channel, Installation, Interruption, ReadingNote, SiteHoliday
from meters.services.judging.advances import Between, advances
from meters.services.judging.companions import Beside, companions_of
from meters.services.judging.evidence_node import Nodes
from meters.services.judging.evidence_outages import Dark, dark_times
from meters.services.judging.evidence_plants import Plants
from meters.services.judging.evidence_readings import Stored, at_length
from meters.services.judging.judge import Judging, Readings
from meters.services.judging.subjects import Subject
from meters.services.judging.window import Window
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

BACK = timedelta(days=35)
AHEAD = timedelta(days=7)
YEAR = timedelta(days=364)
#: Reads further apart than this do not tell where the energy went.
SPAN_MOST = timedelta(days=400)


class Survey:
    """What is known around the gaps of some channels of one window."""

    def __init__(
        self, window: Window, gaps: Sequence[Judging], judged: Sequence[Window], now: datetime
    ) -> None:
        """Read it; the number of queries does not grow with the channels.

        `judged`: the windows of this run, of all interval lengths.
        """
        self._now = now
        subjects = [judging.subject for judging in gaps]
        ids = [subject.channel_id for subject in subjects]
        self._registers = _around_gaps(gaps, window)
        start, end = self._range(window)
        self._companions = companions_of(ids)
        besides = [each.channel for found in self._companions.values() for each in found]
        wanted = [(i, window.grid.minutes) for i in ids]
        wanted += [(each.channel_id, each.minutes) for each in besides]
        self._before = _predecessors(ids)
        wanted += [(each.pk, each.minutes) for each in self._before.values()]
        flows = Nodes.wanted(subjects, window.grid.minutes)
        wanted += [(flow.channel_id, flow.minutes) for each in flows.values() for flow in each]
        self.stored = Stored(wanted, start, end, judged)
        self.nodes = Nodes(self.stored, flows)
        self.grid: Grid = self.stored.grid(window.grid.minutes)
        step = timedelta(minutes=window.grid.minutes)
        self.offset: int = (window.grid.start_utc - self.grid.start_utc) // step
        self._notes = _notes(ids, start, end)
        self._past = _LastYear(ids, window.grid)
        self._installed = _installed([*ids, *(each.pk for each in self._before.values())])
        self._holidays = _holidays(subjects)
        self._dark = _interruptions(subjects, start, end)
        self.plants = Plants({subject.point_id for subject in subjects})

    def _range(self, window: Window) -> tuple[datetime, datetime]:
        """Return how far to read: the days around, and whole register spans that hold a gap."""
        start, end = window.grid.start_utc - BACK, window.grid.end_utc + AHEAD
        step = timedelta(minutes=window.grid.minutes)
        for found in self._registers.values():
            for each in found:
                begin = window.grid.start_utc - each.advance.start_utc
                start = min(start, window.grid.start_utc - -(-begin // step) * step)
                after = each.advance.end_utc - window.grid.end_utc
                end = max(end, window.grid.end_utc + -(-after // step) * step)
        return start, end

    # -- readings -------------------------------------------------------------------------------

    def series(self, subject: Subject, now: Readings) -> Series:
        """Return the readings of a channel around the window, and `now` in it."""
        own = self.stored.series(
            subject.channel_id, subject.minutes, subject.unit, now, self.offset
        )
        before = self._before.get(subject.channel_id)
        return own if before is None else self._continued(own, before, subject.channel_id)

    def _continued(self, own: Series, before: Channel, own_id: int) -> Series:
        """Return a series with what its predecessor of another length had where it has nothing."""
        earlier = self.stored.series(before.pk, before.minutes, before.unit)
        longer, shorter = sorted((own.grid.minutes, before.minutes), reverse=True)
        if longer % shorter or before.unit != own.unit:
            return own
        other = at_length(earlier, own.grid)
        take = own.missing & usable(other)
        take[min(self._starts(r.valid.lower for r in self._installed[own_id]), default=0) :] = False
        values = np.where(take, other.values, own.values)
        status = np.where(take, int(Status.VALIDATED), own.status).astype(np.uint8)
        return Series(own.grid, values, status, own.unit)

    def last_year(self, subject: Subject) -> tuple[Series | None, frozenset[date]]:
        """Return the readings around this time of last year, and its days with an outage.

        None where the transformer ratios have changed since.
        """
        since = self.grid.start_utc - YEAR
        changed = [
            after
            for before, after in pairwise(self.installed(subject))
            if before.multiplier_ratio != after.multiplier_ratio and after.valid.lower > since
        ]
        return (None, frozenset()) if changed else self._past.of(subject)

    def besides(self, subject: Subject) -> tuple[Beside, ...]:
        """Return the companions of a channel."""
        return self._companions[subject.channel_id]

    def registers(self, subject: Subject) -> list[Between]:
        """Return the register advances that hold a gap of a channel."""
        return self._registers.get(subject.channel_id, [])

    # -- calendar, devices, installations -------------------------------------------------------

    def holidays(self, subject: Subject) -> frozenset[date]:
        """Return the holidays of the campus."""
        return frozenset(self._holidays[subject.campus_id])

    def dark(self, subject: Subject) -> list[Dark]:
        """Return when the point of a channel was out of service."""
        return dark_times(self._dark[subject.point_id], self._now)

    def flags(self, subject: Subject) -> list[Flag]:
        """Return device flags, and where an interruption on record touches an interval."""
        found: list[Flag] = []
        for note in self._notes[subject.channel_id]:
            first, end = self.touched(note.start_utc, note.end_utc)
            found.append((first, end, note.code, dict(note.detail)))
        found += [dark.flag(self.grid) for dark in self.dark(subject)]
        return [flag for flag in found if flag[0] < flag[1]]

    def barriers(self, subject: Subject) -> list[int]:
        """Return where another installation begins."""
        return self._starts(row.valid.lower for row in self.installed(subject))

    def ratio_changes(self, subject: Subject) -> list[int]:
        """Return where an installation with other transformer ratios begins.

        The last one of the channel that this one replaced counts as the one before its first.
        """
        before = self._before.get(subject.channel_id)
        rows = [*(self._installed[before.pk] if before else ()), *self.installed(subject)]
        return self._starts(
            after.valid.lower
            for before, after in pairwise(rows)
            if before.multiplier_ratio != after.multiplier_ratio
        )

    def installed(self, subject: Subject) -> list[Installation]:
        """Return the installations of a channel, in order."""
        return self._installed[subject.channel_id]

    def _starts(self, moments: Iterable[datetime]) -> list[int]:
        step = timedelta(minutes=self.grid.minutes)
        found = [-((self.grid.start_utc - moment) // step) for moment in moments]
        return [index for index in found if 0 < index < self.grid.count]

    def touched(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Return the intervals that [start, end) touches, cut to the grid."""
        step = timedelta(minutes=self.grid.minutes)
        first = (start - self.grid.start_utc) // step
        last = -((self.grid.start_utc - end) // step)
        return min(max(0, first), self.grid.count), max(0, min(last, self.grid.count))


def _around_gaps(gaps: Sequence[Judging], window: Window) -> dict[int, list[Between]]:
    """Return the register advances that have a gap between their reads, by channel id."""
    found = advances(
        [judging.subject.channel_id for judging in gaps],
        window.grid.start_utc,
        window.grid.end_utc,
    )
    chosen = {}
    for judging in gaps:
        known = found.get(judging.subject.channel_id, [])
        chosen[judging.subject.channel_id] = [b for b in known if _holds_gap(b, judging)]
    return chosen


def _holds_gap(between: Between, judging: Judging) -> bool:
    """Tell whether something is wanted between two reads that lie near enough to each other."""
    one, grid = between.advance, judging.grid
    if one.end_utc - one.start_utc > SPAN_MOST:
        return False
    step = timedelta(minutes=grid.minutes)
    first = max(0, (one.start_utc - grid.start_utc) // step)
    end = max(0, -((grid.start_utc - one.end_utc) // step))
    return bool(judging.wanted[first:end].any())


class _LastYear:
    """Final readings of a year before a window, and the days with a power failure then."""

    def __init__(self, ids: Sequence[int], grid: Grid) -> None:
        spread = timedelta(days=15)
        self._range = (grid.start_utc - YEAR - spread, grid.end_utc - YEAR + spread)
        self._stored = Stored([(i, grid.minutes) for i in ids], *self._range)
        self._notes = _notes(ids, *self._range)

    def of(self, subject: Subject) -> tuple[Series | None, frozenset[date]]:
        """Return series and days of one channel."""
        series = self._stored.series(subject.channel_id, subject.minutes, subject.unit)
        place = zone_of(subject.zone)
        days = set()
        for note in self._notes[subject.channel_id]:
            if note.code == "POWER_FAIL":
                first = note.start_utc.astimezone(place).date()
                last = (note.end_utc - timedelta(microseconds=1)).astimezone(place).date()
                days |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
        return (series if not series.missing.all() else None), frozenset(days)


def _predecessors(ids: Sequence[int]) -> dict[int, Channel]:
    """Return the channels that some replace, by the id of the successor. One query."""
    rows = Channel.objects.filter(successor__in=ids).select_related("successor")
    return {row.successor.pk: row for row in rows}


def _notes(ids: Sequence[int], start: datetime, end: datetime) -> dict[int, list[ReadingNote]]:
    """Return the device flags by channel id. One query."""
    found: dict[int, list[ReadingNote]] = defaultdict(list)
    rows = ReadingNote.objects.filter(channel__in=ids, start_utc__lt=end, end_utc__gt=start)
    for row in rows.exclude(code="QUALITY").order_by("start_utc", "end_utc", "code"):
        found[row.channel_id].append(row)
    return found


def _installed(ids: Sequence[int]) -> dict[int, list[Installation]]:
    """Return the installations by channel id, in order. One query."""
    found: dict[int, list[Installation]] = defaultdict(list)
    for row in Installation.objects.filter(channel__in=ids).order_by("valid"):
        found[row.channel_id].append(row)
    return found


def _holidays(subjects: Sequence[Subject]) -> dict[int, set[date]]:
    """Return the holidays by campus id. One query."""
    found: dict[int, set[date]] = defaultdict(set)
    rows = SiteHoliday.objects.filter(campus__in={s.campus_id for s in subjects})
    for campus_id, day in rows.values_list("campus_id", "date"):
        found[campus_id].add(day)
    return found


def _interruptions(
    subjects: Sequence[Subject], start: datetime, end: datetime
) -> dict[int, list[Interruption]]:
    """Return the interruptions on record by delivery point id. One query."""
    found: dict[int, list[Interruption]] = defaultdict(list)
    rows = Interruption.objects.filter(
        delivery_point__in={s.point_id for s in subjects},
        during__overlap=DateTimeTZRange(start, end),
    )
    for row in rows.order_by("during"):
        found[row.delivery_point_id].append(row)
    return found
