"""The newest month with readings: where a page begins when no month is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time

from django.db.models import Max

from meters.models import Campus, Channel, ReadingBlock
from poweroptix.kernel.period import Period, zone_of


def newest_month(campus: Campus, channel: Channel | None = None, *, now: datetime) -> Period:
    """Return the local month in which the newest day of readings begins.

    Of the channel; where it has none, of its campus; where nothing has arrived, the month of `now`.
    A stored day is one of UTC: the last one of a month in Texas is a day of the next by UTC, and
    still begins in the old one. At most two queries.
    """
    mine = _newest([channel.pk]) if channel is not None else None
    begins = mine or _newest(Channel.objects.filter(delivery_point__campus=campus)) or now
    return Period.month(campus.zone, f"{begins.astimezone(zone_of(campus.zone)):%Y-%m}")


def _newest(channels: Iterable) -> datetime | None:
    """Return when the newest day with readings begins; None without readings."""
    days = ReadingBlock.objects.filter(channel__in=channels)
    newest = days.aggregate(newest=Max("day"))["newest"]
    return None if newest is None else datetime.combine(newest, time(), UTC)
