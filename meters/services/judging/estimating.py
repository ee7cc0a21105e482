"""Fills the gaps of judged channels by the ladder of estimators, and scales them to registers.

Only channels with a gap are looked at, all of them at once: what is known beside them is read in a
few queries however many they are (`evidence_survey.py`). Every estimate rests on readings alone,
never on another estimate, so the order in which gaps and channels are filled is indifferent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from meters.calc.ladder import fill, steps_for
from meters.calc.register_spans import scale_span
from meters.estimation import Estimate, EstimationContext
from meters.models import Direction, PointKind
from meters.services.judging import evidence_registers
from meters.services.judging.evidence_beside import Beside
from meters.services.judging.evidence_sources import Sources
from meters.services.judging.evidence_survey import Survey
from meters.services.judging.judge import Case, Estimating, Judging, Readings
from meters.services.judging.rulebook import Rulebook
from meters.services.judging.subjects import Subject
from meters.services.judging.window import Window
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import day_start, zone_of
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class Made:
    """Estimates of one case, with what was found while they were made."""

    estimates: Sequence[Estimate]
    findings: Sequence[Finding] = ()


class History:
    """What estimators may look at, for the channels of one window that have a gap."""

    def __init__(
        self, window: Window, gaps: Sequence[Judging], judged: Sequence[Window], now: datetime
    ) -> None:
        """Read it; what the windows of this run have judged counts as it is judged there."""
        self._survey = Survey(window, gaps, judged, now)

    def estimate_with(self, book: Rulebook) -> Estimating:
        """Return the function that fills the gaps of a case."""

        def estimate(case: Case, now: Readings, wanted: np.ndarray) -> Made:
            return _Filling(self._survey, book, case, now, wanted).made()

        return estimate


class _Filling:
    """The gaps of one case."""

    def __init__(
        self, survey: Survey, book: Rulebook, case: Case, now: Readings, wanted: np.ndarray
    ) -> None:
        self.survey, self.book, self.subject = survey, book, case.subject
        self.series: Series = survey.series(case.subject, now)
        self.wanted = np.zeros(self.series.grid.count, bool)
        self.wanted[survey.offset : survey.offset + case.grid.count] = wanted
        registers = survey.registers(case.subject)
        self.registers = registers
        self.spans = evidence_registers.spans(registers, self.series.grid, book)

    def made(self) -> Made:
        """Return the estimates, scaled, on the grid of the case."""
        first = int(self.wanted.argmax())
        beside = Beside(self.survey, self.subject, self.series, first)
        common = self._own_evidence()
        facts = facts_of(self.subject)
        steps = steps_for(facts, self.book.estimators, self.book.off)
        context = EstimationContext(
            zone=self.subject.zone,
            holidays=self.survey.holidays(self.subject),
            flags=self.survey.flags(self.subject),
            barriers=self.survey.barriers(self.subject),
            ratio_changes=self.survey.ratio_changes(self.subject),
            facts=facts,
        )
        estimates: list[Estimate] = []
        for day, part in self._epochs():
            if not (self.wanted & part).any():
                continue
            evidence = replace(beside.evidence(day), **common)
            filled = fill(
                self.series, self.wanted & part, replace(context, evidence=evidence), steps
            )
            estimates += filled.estimates
        findings = []
        for span in self.spans:
            scaled = scale_span(self.series, estimates, span)
            estimates = list(scaled.estimates)
            findings += [scaled.finding] if scaled.finding and self._sums_checked else []
        sources = Sources(self.survey, self.subject, self.series)
        return Made([sources.named(e, -self.survey.offset) for e in estimates], findings)

    @property
    def _sums_checked(self) -> bool:
        return evidence_registers.SUM_CHECK_KEY not in self.book.off

    def _own_evidence(self) -> dict[str, Any]:
        """Return what is known of the channel itself: outages and registers."""
        subject, grid = self.subject, self.series.grid
        dark = [span for d in self.survey.dark(subject) for span in d.spans(grid, subject)]
        return {
            "not_energised": tuple(dark),
            "known": evidence_registers.known(self.spans),
            "daily_kwh": evidence_registers.days(self.spans, grid, subject.zone),
            "average_daily_kwh": evidence_registers.average_day(self.registers),
            "exchanges": evidence_registers.exchanges(self.registers, self.series),
        }

    def _epochs(self) -> list[tuple[date, np.ndarray]]:
        """Return the parts of the grid in which the same is known of the plant, each with a day."""
        grid, zone = self.series.grid, self.subject.zone
        place = zone_of(zone)
        step = timedelta(minutes=grid.minutes)
        changes = self.survey.plants.change_days(self.subject.point_id)
        edges = {-((grid.start_utc - day_start(day, zone)) // step) for day in changes}
        cuts = [0, *sorted(edge for edge in edges if 0 < edge < grid.count), grid.count]
        found = []
        for first, end in pairwise(cuts):
            part = np.zeros(grid.count, bool)
            part[first:end] = True
            found.append((grid.start_of(end - 1).astimezone(place).date(), part))
        return found


def facts_of(subject: Subject) -> dict[str, Any]:
    """Return what estimators ask about a channel.

    The technology of a plant tells of its output alone: its auxiliaries and the supply that it
    draws while it rests are loads.
    """
    is_output = subject.kind == PointKind.STORAGE or (
        subject.kind == PointKind.GENERATOR and subject.direction != Direction.RECEIVED
    )
    return {
        "kind": subject.kind,
        "technology": subject.technology if is_output else "",
        "quantity": subject.quantity,
        "direction": subject.direction,
        "role": subject.role,
    }
