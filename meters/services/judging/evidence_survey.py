"""What is known around and beside the channels of a window that have a gap, read for all at once.

Readings of the 35 days before the judged range and of the 7 days after it, device flags,
installations, holidays, interruptions, check and backup meters. What is judged in the window counts
as it is judged there, not as it was published before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from meters.calc.evidence import Check, Evidence
from meters.estimation import Flag
from meters.models import (
    Channel,
    Installation,
    Interruption,
    Layer,
    ReadingNote,
    Role,
    SiteHoliday,
)
from meters.services.judging.evidence_outages import Dark, dark_times
from meters.services.judging.judge import Case, Readings
from meters.services.judging.subjects import Subject
from meters.services.judging.window import Window
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

BACK = timedelta(days=35)
AHEAD = timedelta(days=7)


class Survey:
    """What is known around the gaps of some channels of one window."""

    def __init__(self, window: Window, cases: Sequence[Case], now: datetime) -> None:
        """Read it; the number of queries does not grow with the channels."""
        self._window, self._now = window, now
        self._subjects = [case.subject for case in cases]
        start, end = window.grid.start_utc - BACK, window.grid.end_utc + AHEAD
        self._checks = _check_meters(self._subjects)
        ids = {subject.channel_id for subject in self._subjects}
        ids |= {channel.pk for found in self._checks.values() for channel in found}
        self._wide = Window.read(sorted(ids), start, end, window.grid.minutes)
        self.grid: Grid = self._wide.grid
        self.offset: int = BACK // timedelta(minutes=window.grid.minutes)
        self._notes = _notes(self._subjects, start, end)
        self._installed = _installed(self._subjects)
        self._holidays = _holidays(self._subjects)
        self._dark = _interruptions(self._subjects, start, end)

    # -- readings -------------------------------------------------------------------------------

    def series(self, subject: Subject, now: Readings) -> Series:
        """Return the readings of a channel around the window, and `now` in it."""
        return self._laid(subject.channel_id, subject.unit, now)

    def beside(self, channel: Channel) -> Series:
        """Return the readings of another channel, in the window as they are judged there."""
        judged = None
        if channel.pk in set(self._window.ids):
            judged = self._window.readings(channel.pk, Layer.FINAL)
        return self._laid(channel.pk, channel.unit, judged)

    def _laid(self, channel_id: int, unit: str, judged: Readings | None) -> Series:
        kept = self._wide.readings(channel_id, Layer.FINAL)
        values, status = kept.values.copy(), kept.status.copy()
        if judged is not None:
            inside = slice(self.offset, self.offset + len(judged.values))
            values[inside], status[inside] = judged.values, judged.status
        doubted = status == Status.SUSPECT
        values[doubted], status[doubted] = MISSING, int(Status.MISSING)
        return Series(self.grid, values, status, unit)

    # -- calendar, devices, installations -------------------------------------------------------

    def holidays(self, subject: Subject) -> frozenset[date]:
        """Return the holidays of the campus."""
        return frozenset(self._holidays[subject.campus_id])

    def flags(self, subject: Subject) -> list[Flag]:
        """Return device flags, and where an interruption on record touches an interval."""
        found = []
        for note in self._notes[subject.channel_id]:
            span = self._touched(note.start_utc, note.end_utc)
            found.append((*span, note.code, dict(note.detail)))
        found += [dark.flag(self.grid) for dark in self._dark_of(subject)]
        return [flag for flag in found if flag[0] < flag[1]]

    def barriers(self, subject: Subject) -> list[int]:
        """Return where another installation begins."""
        rows = self._installed[subject.channel_id]
        return self._starts([row.valid.lower for row in rows])

    def ratio_changes(self, subject: Subject) -> list[int]:
        """Return where an installation with other transformer ratios begins."""
        rows = self._installed[subject.channel_id]
        changed = [
            after.valid.lower
            for before, after in pairwise(rows)
            if before.multiplier_ratio != after.multiplier_ratio
        ]
        return self._starts(changed)

    def _starts(self, moments: Sequence[datetime]) -> list[int]:
        step = timedelta(minutes=self.grid.minutes)
        found = [-((self.grid.start_utc - moment) // step) for moment in moments]
        return [index for index in found if 0 < index < self.grid.count]

    def _touched(self, start: datetime, end: datetime | None) -> tuple[int, int]:
        """Return the intervals that [start, end) touches, cut to the grid."""
        step = timedelta(minutes=self.grid.minutes)
        first = (start - self.grid.start_utc) // step
        last = self.grid.count if end is None else -((self.grid.start_utc - end) // step)
        return min(max(0, first), self.grid.count), max(0, min(last, self.grid.count))

    # -- evidence -------------------------------------------------------------------------------

    def evidence(self, subject: Subject) -> Evidence:
        """Return what is known beside a channel."""
        return Evidence(
            checks=tuple(
                Check(channel.code, self.beside(channel))
                for channel in self._checks[subject.channel_id]
            ),
            not_energised=tuple(
                span for dark in self._dark_of(subject) for span in dark.spans(self.grid, subject)
            ),
        )

    def _dark_of(self, subject: Subject) -> list[Dark]:
        return dark_times(self._dark[subject.point_id], self._now)


def _check_meters(subjects: Sequence[Subject]) -> dict[int, list[Channel]]:
    """Return the check and backup meters of main channels by channel id. One query."""
    main = [subject for subject in subjects if subject.role == Role.MAIN]
    rows = Channel.objects.filter(
        delivery_point__in={subject.point_id for subject in main},
        role__in=[Role.CHECK, Role.BACKUP],
    ).order_by("-role", "code")
    by_kind: dict[tuple, list[Channel]] = defaultdict(list)
    for row in rows if main else ():
        key = (row.delivery_point_id, row.quantity, row.direction, row.unit, row.minutes)
        by_kind[key].append(row)
    found: dict[int, list[Channel]] = defaultdict(list)
    for each in main:
        key = (each.point_id, each.quantity, each.direction, each.unit, each.minutes)
        found[each.channel_id] = by_kind[key]
    return found


def _notes(
    subjects: Sequence[Subject], start: datetime, end: datetime
) -> dict[int, list[ReadingNote]]:
    """Return the device flags by channel id. One query."""
    found: dict[int, list[ReadingNote]] = defaultdict(list)
    rows = ReadingNote.objects.filter(
        channel__in=[s.channel_id for s in subjects], start_utc__lt=end, end_utc__gt=start
    ).exclude(code="QUALITY")
    for row in rows.order_by("start_utc", "end_utc", "code"):
        found[row.channel_id].append(row)
    return found


def _installed(subjects: Sequence[Subject]) -> dict[int, list[Installation]]:
    """Return the installations by channel id, in order. One query."""
    found: dict[int, list[Installation]] = defaultdict(list)
    rows = Installation.objects.filter(channel__in=[s.channel_id for s in subjects])
    for row in rows.order_by("valid"):
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
