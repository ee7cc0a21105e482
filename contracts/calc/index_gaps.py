"""Gaps of a publication: what is missing between its first price and its last."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Gap:
    """Prices in a row that nobody has published, from a moment up to another."""

    start_utc: datetime
    end_utc: datetime
    count: int


def gaps_between(
    known: Iterable[datetime], first: datetime, last: datetime, step: timedelta
) -> list[Gap]:
    """Return the gaps among the intervals that start from `first` to `last`, both included.

    `known` are the starts that have a price, on the grid of `first` and `step`.
    """
    gaps, at = [], first
    for start in [*sorted(one for one in known if first <= one <= last), last + step]:
        if start > at:
            gaps.append(Gap(at, start, (start - at) // step))
        at = start + step
    return gaps
