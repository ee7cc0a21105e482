"""Who takes part on which days, and with which number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

#: Plain numbers of a size that occurs: an exponent could ask for more digits than there are atoms.
_WEIGHT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12}|/[0-9]{1,12})?")
_NEGATIVE = re.compile(r"-[0-9./]+")


@dataclass(frozen=True)
class Span:
    """Local dates, end not included; no end means open."""

    first_date: date
    end_date: date | None = None

    def holds_on(self, day: date) -> bool:
        """Say whether a local day lies in the span."""
        return self.first_date <= day and (self.end_date is None or day < self.end_date)

    def days_in(self, period: Period) -> list[date]:
        """Return the days of the period that the span covers."""
        return [day for day in period.days() if self.holds_on(day)]


@dataclass(frozen=True)
class Stay(Span):
    """Local days on which a member takes part, and its stated weight."""

    weight: str = ""

    def stated(self, member: str) -> Fraction:
        """Return the stated weight, "60", "0.55" or "1/3"; Refused when it is none."""
        return fraction(self.weight, member)


def stays_of(members: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, tuple[Stay, ...]]:
    """Return the stays of a document's members, each written [first date, end, weight]."""
    return {
        code: tuple(
            Stay(_day(first), None if end is None else _day(end), weight)
            for first, end, weight in entries
        )
        for code, entries in members.items()
    }


def fraction(text: str, member: str) -> Fraction:
    """Return a stated weight as an exact fraction.

    >>> fraction("0.55", "DEVCO"), fraction("1/3", "FUND")
    (Fraction(11, 20), Fraction(1, 3))
    """
    written = str(text).strip()
    if _NEGATIVE.fullmatch(written):
        raise Refused("sharing.weight", f"The weight {text} of {member} is negative.")
    try:
        return Fraction(written if _WEIGHT.fullmatch(written) else "")
    except (ValueError, ZeroDivisionError):
        said = f"The weight '{text}' of {member} is no number such as 60, 0.55 or 1/3."
        raise Refused("sharing.weight", said, member=member) from None


def masked(series: Series, spans: tuple[Span, ...], period: Period) -> Series:
    """Return the series with zero (a known zero, not a missing value) outside the spans."""
    inside = _inside(series.grid, spans, period)
    if inside is None:
        return series
    status = np.where(inside, series.status, int(Status.VALIDATED)).astype(np.uint8)
    return Series(series.grid, np.where(inside, series.values, 0), status, series.unit)


@lru_cache(maxsize=256)
def _inside(grid: Grid, spans: tuple[Span, ...], period: Period) -> np.ndarray | None:
    """Return which intervals lie on local days of the spans; None when all of them do.

    Many members share their spans, so the answer is kept.
    """
    starts = grid.epoch_minutes()
    inside = np.zeros(grid.count, dtype=bool)
    for span in spans:
        if wanted := span.days_in(period):
            begin = period.day_bounds(wanted[0])[0].timestamp() // 60
            end = period.day_bounds(wanted[-1])[1].timestamp() // 60
            inside |= (starts >= begin) & (starts < end)
    if inside.all():
        return None
    inside.setflags(write=False)
    return inside


def _day(text: Any) -> date:
    return text if isinstance(text, date) else date.fromisoformat(text)
