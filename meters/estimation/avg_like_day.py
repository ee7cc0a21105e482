"""E07 Average of like days: the mean of the same wall-clock slot on up to three reference days.

Same weekday first, then the same class of day (weekday, weekend, holiday); nearest in time wins, a
tie goes to the earlier day. A reference day needs a good reading in every slot that is missing, no
power failure, and the same installation. Slots are wall-clock: the repeated hour of autumn takes
its slot twice, the skipped hour of spring needs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from meters.estimation._base import (
    Estimate,
    EstimationContext,
    estimators,
    flagged,
    stamp,
    usable,
)
from poweroptix.kernel.fixed import MICRO, from_micro, micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import LocalClock
from poweroptix.kernel.quality import Method
from poweroptix.kernel.rounding import Mode, in_words
from poweroptix.kernel.rounding import estimate as round_estimate
from poweroptix.kernel.series import Series

_NEVER = frozenset({"SOLAR", "WIND", "BATTERY"})
_SUNDAY, _SATURDAY = 6, 5


@dataclass(frozen=True)
class AvgLikeDayParameters:
    """Which days may serve."""

    lookback_days: int = param(
        default=35, unit="days", minimum=1, maximum=400, help="How far back reference days lie."
    )
    forward_days: int = param(
        default=0, unit="days", minimum=0, maximum=400, help="How far ahead they may lie."
    )
    days: int = param(default=3, unit="count", minimum=1, maximum=31, help="Days to average.")


@estimators.register("avg_like_day@1")
class AvgLikeDay:
    """Average of the three nearest like days, slot by slot.

    Not for solar, wind and storage, whose days are not alike.
    """

    title = "Average of like days"
    method = Method.AVG_LIKE_DAY
    Parameters = AvgLikeDayParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when some day of the gap has no reference day."""
        if context.facts.get("technology") in _NEVER:
            return None
        return _History(series, context).estimate(gap)


class _History:
    """The series by local day and wall-clock slot."""

    def __init__(self, series: Series, context: EstimationContext) -> None:
        self.series = series
        self.context = context
        self.parameters: AvgLikeDayParameters = context.parameters or AvgLikeDayParameters()
        clock = LocalClock.of(series.grid, context.zone)
        self.ordinal = clock.date_ordinal
        self.slot = clock.minute_of_day
        self.good = usable(series)
        failing = flagged(series, context.flags, ("POWER_FAIL",))
        self.outage_days = set(np.unique(self.ordinal[failing]).tolist())

    def estimate(self, gap: slice) -> Estimate | None:
        """Estimate the intervals of a gap, local day by local day."""
        values = np.zeros(gap.stop - gap.start, dtype=np.int64)
        sheets, used, warnings = [], [], []
        for day in np.unique(self.ordinal[gap]).tolist():
            rows = gap.start + np.flatnonzero(self.ordinal[gap] == day)
            references = self._references(day, rows)
            if not references:
                return None
            picked = np.array([places for _, places in references])
            means = [
                round_estimate(Fraction(int(total), len(references) * MICRO))
                for total in self.series.values[picked].sum(axis=0, dtype=object)
            ]
            values[rows - gap.start] = [micro(mean) for mean in means]
            names = [date.fromordinal(reference).isoformat() for reference, _ in references]
            used += names
            if len(references) < self.parameters.days:
                warnings.append(f"only {len(references)} reference day(s) for {_iso(day)}")
            sheets.append(self._sheet(day, rows, references, means))
        return Estimate(
            gap,
            values,
            Method.AVG_LIKE_DAY,
            {
                "method": "avg_like_day@1",
                "formula": "mean of the same slot on the reference days",
                "rounding": in_words(Mode.HALF_EVEN, 3),
                "unit": self.series.unit,
                "gap": [stamp(self.series, gap.start), stamp(self.series, gap.stop)],
                "days": sheets,
                "values": [f"{from_micro(int(value)):.3f}" for value in values],
            },
            tuple(dict.fromkeys(used)),
            tuple(warnings),
        )

    def _references(self, day: int, rows: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """Return up to ``days`` reference days with the places of the needed slots."""
        slots = self.slot[rows]
        chosen: list[tuple[int, np.ndarray]] = []
        for candidate in self._candidates(day):
            places = self._places(candidate, slots)
            if places is not None and not self._parted(rows, places):
                chosen.append((candidate, places))
                if len(chosen) == self.parameters.days:
                    break
        return chosen

    def _candidates(self, day: int) -> Iterable[int]:
        """Return days in order of preference: same type, then like class; nearest, then earlier."""
        first = max(day - self.parameters.lookback_days, int(self.ordinal[0]))
        last = min(day + self.parameters.forward_days, int(self.ordinal[-1]))
        near = [d for d in range(first, last + 1) if d != day and d not in self.outage_days]
        near.sort(key=lambda d: (abs(d - day), d))
        same = [d for d in near if self._type(d) == self._type(day)]
        like = [d for d in near if d not in same and self._like(d, day)]
        return [*same, *like]

    def _type(self, day: int) -> str | int:
        return "HOL" if date.fromordinal(day) in self.context.holidays else (day - 1) % 7

    def _like(self, candidate: int, day: int) -> bool:
        kind, wanted = self._type(candidate), self._type(day)
        if wanted == "HOL":
            return kind == _SUNDAY
        if kind == "HOL" or isinstance(kind, str) or isinstance(wanted, str):
            return False
        return (kind >= _SATURDAY) == (wanted >= _SATURDAY)

    def _places(self, day: int, slots: np.ndarray) -> np.ndarray | None:
        """Return where the slots of a day stand, None when one has no good reading."""
        a, b = np.searchsorted(self.ordinal, [day, day + 1])
        where = {}
        for at in range(int(b) - 1, int(a) - 1, -1):  # the first of a repeated slot stays
            where[int(self.slot[at])] = at
        places = [where.get(int(slot), -1) for slot in slots]
        if min(places) < 0 or not self.good[places].all():
            return None
        return np.array(places)

    def _parted(self, rows: np.ndarray, places: np.ndarray) -> bool:
        """Tell whether another installation begins between the gap and the reference day."""
        low = min(int(rows.min()), int(places.min()))
        high = max(int(rows.max()), int(places.max()))
        return any(low < barrier <= high for barrier in self.context.barriers)

    def _sheet(
        self, day: int, rows: np.ndarray, references: list[tuple[int, np.ndarray]], means: list[Any]
    ) -> dict[str, Any]:
        return {
            "day": _iso(day),
            "slots": [f"{s // 60:02d}:{s % 60:02d}" for s in self.slot[rows].tolist()],
            "references": [
                {
                    "day": _iso(reference),
                    "values": [f"{from_micro(v):f}" for v in self.series.values[places].tolist()],
                }
                for reference, places in references
            ],
            "means": [f"{mean:f}" for mean in means],
        }


def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
