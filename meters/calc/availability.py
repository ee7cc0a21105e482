"""How long something was out of service, and the share of the hours in which it was not.

Availability is (period hours - outage hours) / period hours, as the availability factor of IEEE 762
counts it: planned and unplanned outages both reduce it. Instants are UTC, ranges half-open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from poweroptix.kernel.fixed import WIDE

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Outage:
    """A time out of service, [start, end)."""

    start_utc: datetime
    end_utc: datetime
    is_planned: bool


@dataclass(frozen=True)
class Minutes:
    """Minutes out of service in a period, each counted once; planned ones are a part of all."""

    total: Decimal
    planned: Decimal

    @property
    def unplanned(self) -> Decimal:
        """Return the minutes that nobody had planned."""
        return self.total - self.planned


def outage_minutes(outages: Iterable[Outage], start: datetime, end: datetime) -> Minutes:
    """Return the minutes of [start, end) that outages cover; what overlaps counts once.

    Where a planned and an unplanned outage overlap, the time is unplanned.
    """
    rows = list(outages)
    whole = _covered([(o.start_utc, o.end_utc) for o in rows], start, end)
    unplanned = _covered([(o.start_utc, o.end_utc) for o in rows if not o.is_planned], start, end)
    return Minutes(_minutes(whole), _minutes(whole - unplanned))


def availability_ratio(outages: Iterable[Outage], start: datetime, end: datetime) -> Fraction:
    """Return the share of [start, end) without outage, 0 to 1, exact.

    >>> from datetime import UTC
    >>> day = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    >>> six, noon = (datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in (6, 12))
    >>> availability_ratio([Outage(six, noon, True)], *day)
    Fraction(3, 4)
    """
    covered = _covered([(o.start_utc, o.end_utc) for o in outages], start, end)
    return 1 - Fraction(covered // timedelta(microseconds=1)) / (
        (end - start) // timedelta(microseconds=1)
    )


def _covered(ranges: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> timedelta:
    """Return how much of [start, end) the ranges cover together."""
    covered, reached = timedelta(0), start
    for begin, stop in sorted(ranges):
        begin, stop = max(begin, reached), min(stop, end)
        if stop > begin:
            covered += stop - begin
            reached = stop
    return covered


def _minutes(span: timedelta) -> Decimal:
    return WIDE.divide(Decimal(span // timedelta(microseconds=1)), Decimal(60_000_000))
