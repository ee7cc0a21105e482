"""What comes after a file: the validation of the days it touched."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from meters.models import Channel
from meters.services.judging.validate import DAYS_MAX, VeeSummary, validate_days
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.period import zone_of

Span = tuple[date, date]


def touched_days(receipt: dict[str, Any]) -> dict[Span, list[int]]:
    """Return the channels of a receipt by the local days they touch, cut to valid lengths.

    Channels whose days differ by little share one span: the days of a campus-wide file are worked
    together.
    """
    rows = {row["code"]: row for row in receipt["channels"]}
    zones = Channel.objects.filter(code__in=rows).values_list(
        "pk", "code", "delivery_point__campus__zone"
    )
    spans: dict[Span, list[int]] = defaultdict(list)
    for pk, code, zone in zones:
        place = zone_of(zone)
        start = datetime.fromisoformat(rows[code]["first_utc"]).astimezone(place).date()
        end = datetime.fromisoformat(rows[code]["end_utc"]) - timedelta(microseconds=1)
        last = end.astimezone(place).date()
        while start <= last:
            stop = min(last, start + timedelta(days=DAYS_MAX - 1))
            spans[start, stop].append(pk)
            start = stop + timedelta(days=1)
    return dict(spans)


def validate_receipt(receipt: dict[str, Any], *, now: datetime, actor: Actor) -> list[VeeSummary]:
    """Validate the days that a file touched, here and now."""
    return [
        validate_days(ids, first, last, now=now, actor=actor, reason=f"File #{receipt['file']}")
        for (first, last), ids in sorted(touched_days(receipt).items())
    ]


def enqueue_validation(receipt: dict[str, Any], key: str) -> None:
    """Leave the validation of the days that a file touched to a worker."""
    for (first, last), ids in sorted(touched_days(receipt).items()):
        enqueue(
            "validate_days",
            f"{key}/{first}..{last}",
            {
                "channel_ids": sorted(ids),
                "first_day": first,
                "last_day": last,
                "reason": f"File #{receipt['file']}",
            },
        )
