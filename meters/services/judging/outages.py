"""An interruption was put on record or changed: the days of its point are judged again.

The record confirms an outage: what was estimated as a load becomes zero, and the day serves as an
example for no other.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from meters.models import Channel, Interruption
from meters.services.judging.evidence_outages import ENERGY
from meters.services.judging.validate import DAYS_MAX
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.period import zone_of

Range = tuple[datetime, datetime | None]


def range_of(row: Interruption) -> Range:
    """Return from when to when an interruption lasts; None while it does."""
    return row.during.lower, row.during.upper


def enqueue_judgement(row: Interruption, *ranges: Range, now: datetime) -> Job | None:
    """Leave the days of an interruption to a worker, as it is and as it was before (`ranges`).

    Nothing is to be judged for a point without energy channels, or before the interruption begins.
    """
    point = row.delivery_point
    channels = Channel.objects.filter(
        delivery_point=point, quantity__in=ENERGY, is_active=True, kind="METERED"
    )
    ids = sorted(channels.values_list("pk", flat=True))
    days = _days(ranges, point.campus.zone, now)
    if not ids or days is None:
        return None
    return enqueue(
        "validate_days",
        f"interruption {row.pk}/{now.isoformat()}",
        {
            "channel_ids": ids,
            "first_day": days[0],
            "last_day": days[1],
            "reason": f"Interruption of {point.code}",
        },
    )


def _days(ranges: tuple[Range, ...], zone: str, now: datetime) -> tuple[date, date] | None:
    """Return the local days of some ranges up to now, the newest ones if they are too many."""
    begun = [(start, min(end or now, now)) for start, end in ranges if start < now]
    if not begun:
        return None
    place = zone_of(zone)
    last = (max(end for _, end in begun) - timedelta(microseconds=1)).astimezone(place).date()
    first = min(start for start, _ in begun).astimezone(place).date()
    return max(first, last - timedelta(days=DAYS_MAX - 1)), last
