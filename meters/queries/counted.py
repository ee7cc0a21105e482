"""Energy counts once: a virtual channel of the balance and its terms are never both in it.

The balance takes the main energy channels of the points of a campus that stand between its
sources and sinks. A main virtual channel there replaces what it is computed from: none of the
metered channels below it, and no other channel of the same point and direction, counts beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from meters.models import Channel, PointKind, Quantity, Role

#: Points that no allocation reads.
BESIDE_THE_BALANCE = (PointKind.CHECK, PointKind.FUEL, PointKind.WEATHER)

_BELOW = """
WITH RECURSIVE below(channel_id) AS (
  SELECT unnest(%(ids)s::bigint[])
  UNION
  SELECT t.channel_id
    FROM below b JOIN meters_virtualdefinition d ON d.channel_id = b.channel_id
    JOIN meters_virtualterm t ON t.definition_id = d.id
   WHERE d.withdrawn_at IS NULL AND d.valid && tstzrange(%(start)s, %(end)s)
)
SELECT channel_id FROM below ORDER BY channel_id
"""


def counts(channel: Channel) -> bool:
    """Return whether the balance of the campus takes this channel."""
    return (
        channel.role == Role.MAIN
        and channel.quantity == Quantity.KWH
        and channel.delivery_point.kind not in BESIDE_THE_BALANCE
    )


def counted_twice(
    channel: Channel, terms: Iterable[Channel], start: datetime, end: datetime | None
) -> str:
    """Say what would count twice if a virtual channel rested on these terms; empty if nothing."""
    if not counts(channel):
        return ""
    below = _below([term.pk for term in terms], start, end)
    rows = Channel.objects.filter(pk__in=below).select_related("delivery_point").order_by("code")
    beside = Channel.objects.filter(
        delivery_point=channel.delivery_point_id, quantity=channel.quantity,
        direction=channel.direction, role=Role.MAIN,
    ).exclude(pk=channel.pk).select_related("delivery_point")  # fmt: skip
    twice = sorted({one.code for one in rows if counts(one)} | {one.code for one in beside})
    if not twice:
        return ""
    return (
        f"{channel.code} counts in the balance of the campus as main channel, and so does "
        f"{', '.join(twice)}: the energy would count twice. Make one of them a check channel."
    )


def _below(ids: list[int], start: datetime, end: datetime | None) -> list[int]:
    """Return channels and all they rest on in [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_BELOW, {"ids": ids, "start": start, "end": end})
        return [row[0] for row in cursor.fetchall()]
