"""Fills gaps by the ladder of estimators, with the channel's own history around them.

History is read only for channels that have a gap: final readings of the 35 days before the judged
range and of the 7 days after it, and those of its check and backup meters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from meters.calc.evidence import Check, Evidence
from meters.calc.ladder import estimate_gap, steps_for
from meters.estimation import Estimate, EstimationContext
from meters.models import Channel, Layer, Role
from meters.services.judging.judge import Case, Readings
from meters.services.judging.rulebook import Rulebook
from meters.services.judging.subjects import Subject
from meters.services.judging.window import Window
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

BACK = timedelta(days=35)
AHEAD = timedelta(days=7)


@dataclass
class _Around:
    """Final readings of one channel beyond the judged range, and what else is known there."""

    grid: Grid
    readings: Readings
    offset: int
    evidence: Evidence


class History:
    """Finds what estimators may look at, for the channels of one window."""

    def __init__(self, subjects: Sequence[Subject], window: Window) -> None:
        self._window = window
        self._known: dict[int, _Around] = {}

    def estimate_with(self, book: Rulebook) -> Callable[[Case, Readings, slice], Estimate | None]:
        """Return the function that fills one gap of a case."""

        def estimate(case: Case, now: Readings, gap: slice) -> Estimate | None:
            return self._estimate(book, case, now, gap)

        return estimate

    def _estimate(self, book: Rulebook, case: Case, now: Readings, gap: slice) -> Estimate | None:
        around = self._around(case)
        first, count = around.offset, case.grid.count
        values, status = around.readings.values, around.readings.status
        values[first : first + count] = now.values
        status[first : first + count] = now.status
        series = Series(around.grid, values, status, case.subject.unit)
        subject = case.subject
        facts = {
            "kind": subject.kind,
            "technology": subject.technology,
            "quantity": subject.quantity,
            "direction": subject.direction,
        }
        context = EstimationContext(
            zone=case.subject.zone,
            flags=[(a + first, b + first, code, detail) for a, b, code, detail in case.flags],
            barriers=[barrier + first for barrier in case.barriers],
            facts=facts,
            evidence=around.evidence,
        )
        steps = steps_for(facts, book.estimators, book.off)
        return estimate_gap(series, slice(gap.start + first, gap.stop + first), context, steps)

    def _around(self, case: Case) -> _Around:
        """Return the readings around the judged range, read once per channel."""
        channel_id: int = case.subject.channel_id
        if channel_id not in self._known:
            start, end = case.grid.start_utc - BACK, case.grid.end_utc + AHEAD
            wide = Window.read([channel_id], start, end, case.grid.minutes)
            readings = wide.readings(channel_id, Layer.FINAL).copy()
            readings.values[readings.status == Status.SUSPECT] = MISSING
            readings.status[readings.status == Status.SUSPECT] = Status.MISSING
            offset: Any = BACK // timedelta(minutes=case.grid.minutes)
            evidence = Evidence(checks=self._checks(case.subject, start, end, offset))
            self._known[channel_id] = _Around(wide.grid, readings, offset, evidence)
        return self._known[channel_id]

    def _checks(
        self, subject: Subject, start: datetime, end: datetime, offset: int
    ) -> tuple[Check, ...]:
        """Return the check and backup meters of a main channel, as judged in this window."""
        if subject.role != Role.MAIN:
            return ()
        found = Channel.objects.filter(
            delivery_point=subject.point_id,
            quantity=subject.quantity,
            direction=subject.direction,
            unit=subject.unit,
            minutes=subject.minutes,
            role__in=[Role.CHECK, Role.BACKUP],
        ).order_by("-role", "code")
        codes = dict(found.values_list("pk", "code"))
        if not codes:
            return ()
        wide = Window.read(codes, start, end, subject.minutes)
        for channel_id in codes.keys() & set(self._window.ids):
            judged = self._window.readings(channel_id, Layer.FINAL)
            kept = wide.readings(channel_id, Layer.FINAL)
            inside = slice(offset, offset + len(judged.values))
            kept.values[inside], kept.status[inside] = judged.values, judged.status
        return tuple(
            Check(code, _series(wide, channel_id, subject.unit))
            for channel_id, code in codes.items()
        )


def _series(window: Window, channel_id: int, unit: str) -> Series:
    readings = window.readings(channel_id, Layer.FINAL)
    return Series(window.grid, readings.values, readings.status, unit)
