"""One channel beside another: where they lie apart, per interval and per local day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Companion, Relation
from meters.validation._base import ValidationContext, limit_micro
from meters.validation._compare import (
    cleared,
    number,
    plain,
    quotient,
    trusted,
    unit_factor,
    usable,
)
from meters.validation._days import local_days
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class Apart:
    """Intervals [first, end) where two channels disagree: what each counted there, 10^-6."""

    first: int
    end: int
    own: int
    other: Fraction

    @property
    def ratio(self) -> Fraction | None:
        """Return how far the other lies from the judged one, as a share; None beside nothing."""
        return abs(self.own - self.other) / abs(self.own) if self.own else None


def beside(
    series: Series, context: ValidationContext, relation: Relation
) -> list[tuple[Companion, Fraction]]:
    """Return comparable companions of a relation with the factor into the unit of the series."""
    found = []
    for each in context.circumstances.beside(relation):
        factor = unit_factor(series, each.series)
        if factor is not None and each.series.grid == series.grid:
            found.append((each, factor))
    return found


def small_micro(series: Series, context: ValidationContext, share: Decimal) -> int:
    """Return the value up to which an interval is too small to compare; 0 without a limit."""
    limit = limit_micro(series, context)
    return int(limit * Fraction(share)) if limit is not None else 0


def days_apart(
    series: Series,
    context: ValidationContext,
    companion: tuple[Companion, Fraction],
    *,
    tolerance: Fraction,
    coverage: Fraction,
    small: int,
) -> Iterator[Apart]:
    """Yield local days on which the two differ by more than a share of the judged channel.

    Compared are the intervals that both have, if they are at least `coverage` of the day, and
    unless both show no more than `small` (10^-6) an interval on average.
    """
    other, factor = companion
    both = usable(series, context) & trusted(other.series)
    days = local_days(series.grid, context.zone)
    counts = days.sums(both)
    own = days.sums(cleared(series.values, both))
    theirs = days.sums(cleared(other.series.values, both))
    for day in np.flatnonzero((own != theirs) | (factor != 1)):
        count, mine = int(counts[day]), int(own[day])
        their = int(theirs[day]) * factor
        if count < days.counts[day] * coverage or max(abs(mine), abs(their)) <= small * count:
            continue
        if abs(mine - their) > tolerance * abs(mine):
            yield Apart(*days.bounds(int(day)), mine, their)


def apart_finding(
    code: str,
    severity: Severity,
    series: Series,
    companion: Companion,
    apart: Apart,
    limit_pct: Decimal,
    span: tuple[int, int],
    fix: str,
) -> Finding:
    """Return the finding that two channels lie apart, over a range of intervals."""
    ratio = apart.ratio
    own, other = f"{number(apart.own):,f}", f"{number(apart.other):,f}"
    text = f"{companion.code} shows {other} {series.unit} where this channel shows {own}"
    if ratio is None:
        text += "."
    else:
        text += f": {plain(ratio * 100):,f} % apart (limit {limit_pct:,f} %)."
    percent = None if ratio is None else quotient(ratio * 100)
    beside = {"beside": companion.code}
    return finding(code, severity, series.grid, span, text, fix, percent, limit_pct, beside)
