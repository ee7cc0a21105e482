"""Fills the gaps of judged channels by the ladder of estimators.

Only channels with a gap are looked at, all of them at once: what is known beside them is read in a
few queries however many they are (`evidence_survey.py`). Every estimate rests on readings alone,
never on another estimate, so the order in which gaps and channels are filled is indifferent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from meters.calc.ladder import fill, steps_for
from meters.estimation import Estimate, EstimationContext
from meters.services.judging.evidence_survey import Survey
from meters.services.judging.judge import Case, Estimating, Judging, Readings
from meters.services.judging.rulebook import Rulebook
from meters.services.judging.window import Window
from poweroptix.kernel.finding import Finding


@dataclass(frozen=True)
class Made:
    """Estimates of one case, with what was found while they were made."""

    estimates: Sequence[Estimate]
    findings: Sequence[Finding] = ()


class History:
    """What estimators may look at, for the channels of one window that have a gap."""

    def __init__(self, window: Window, gaps: Sequence[Judging], now: datetime) -> None:
        """Read it; the readings in the window count as they are judged there."""
        self._survey = Survey(window, [judging.case for judging in gaps], now)

    def estimate_with(self, book: Rulebook) -> Estimating:
        """Return the function that fills the gaps of a case."""

        def estimate(case: Case, now: Readings, wanted: np.ndarray) -> Made:
            return self._estimate(book, case, now, wanted)

        return estimate

    def _estimate(self, book: Rulebook, case: Case, now: Readings, wanted: np.ndarray) -> Made:
        survey = self._survey
        offset = survey.offset
        series = survey.series(case.subject, now)
        facts = facts_of(case.subject)
        context = EstimationContext(
            zone=case.subject.zone,
            holidays=survey.holidays(case.subject),
            flags=survey.flags(case.subject),
            barriers=survey.barriers(case.subject),
            ratio_changes=survey.ratio_changes(case.subject),
            facts=facts,
            evidence=survey.evidence(case.subject),
        )
        places = np.zeros(series.grid.count, bool)
        places[offset : offset + case.grid.count] = wanted
        filled = fill(series, places, context, steps_for(facts, book.estimators, book.off))
        return Made([shifted(estimate, -offset) for estimate in filled.estimates])


def facts_of(subject: Any) -> dict[str, Any]:
    """Return what estimators ask about a channel."""
    names = ("kind", "technology", "quantity", "direction")
    return {name: getattr(subject, name) for name in names}


def shifted(estimate: Estimate, by: int) -> Estimate:
    """Return an estimate whose gap counts from another start."""
    return replace(estimate, gap=slice(estimate.gap.start + by, estimate.gap.stop + by))
