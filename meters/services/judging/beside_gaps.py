"""Gaps that readings of other channels of the campus may fill better.

The balance of the node, the weather and the other loads are evidence of the whole campus. Files
come one after the other, so a gap is often judged before its witnesses have arrived; it is judged
once more when they have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta

from meters.models import Channel, Finding, FindingSeverity, FindingState
from meters.services.judging.spans import Days
from poweroptix.kernel.period import day_start, zone_of

_JUST_BEFORE = timedelta(microseconds=1)


def gaps_beside(channel_ids: Collection[int], first: date, last: date) -> dict[Days, list[int]]:
    """Return the other channels with a gap in these local days, by the days of their gaps.

    A gap is what an estimator fills or could not fill; what a person decided stands. Two queries.
    """
    zones = dict(
        Channel.objects.filter(pk__in=channel_ids).values_list(
            "delivery_point__campus", "delivery_point__campus__zone"
        )
    )
    if not zones:
        return {}
    starts = [day_start(first, zone) for zone in zones.values()]
    ends = [day_start(last + timedelta(days=1), zone) for zone in zones.values()]
    rows = Finding.objects.filter(
        channel__delivery_point__campus__in=zones,
        severity=FindingSeverity.ESTIMATE,
        state__in=(FindingState.OPEN, FindingState.ESTIMATED),
        start_utc__lt=max(ends),
        end_utc__gt=min(starts),
    ).exclude(channel__in=channel_ids)
    days: dict[int, Days] = {}
    for channel_id, campus, start, end in rows.values_list(
        "channel_id", "channel__delivery_point__campus", "start_utc", "end_utc"
    ):
        place = zone_of(zones[campus])
        a = max(first, start.astimezone(place).date())
        b = min(last, (end - _JUST_BEFORE).astimezone(place).date())
        if a <= b:
            known = days.get(channel_id, (a, b))
            days[channel_id] = min(a, known[0]), max(b, known[1])
    found: dict[Days, list[int]] = defaultdict(list)
    for channel_id, span in sorted(days.items()):
        found[span].append(channel_id)
    return dict(found)
