"""What comes after a file: the validation of the days it touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from meters.models import Channel, Layer, ReadingBlock
from meters.services.judging.validate import DAYS_MAX, VeeSummary, validate_days
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import enqueue
from poweroptix.kernel.period import zone_of

Span = tuple[date, date]
JUST_BEFORE = timedelta(microseconds=1)


def touched_days(receipt: dict[str, Any]) -> dict[Span, list[int]]:
    """Return the channels of a receipt by the local days they touch, cut to valid lengths.

    Channels whose days differ by little share one span: the days of a campus-wide file are worked
    together. A register read touches the day that ends with it, if that has intervals: there a sum
    check is due.
    """
    rows: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in receipt["channels"]:
        end = datetime.fromisoformat(row["end_utc"])
        rows[row["code"]].append((datetime.fromisoformat(row["first_utc"]), end - JUST_BEFORE))
    for code, span in _read_spans(receipt.get("registers", ())).items():
        rows[code].append(span)
    zones = Channel.objects.filter(code__in=rows).values_list(
        "pk", "code", "delivery_point__campus__zone"
    )
    spans: dict[Span, list[int]] = defaultdict(list)
    for pk, code, zone in zones:
        place = zone_of(zone)
        start = min(first for first, _ in rows[code]).astimezone(place).date()
        last = max(end for _, end in rows[code]).astimezone(place).date()
        while start <= last:
            stop = min(last, start + timedelta(days=DAYS_MAX - 1))
            spans[start, stop].append(pk)
            start = stop + timedelta(days=1)
    return dict(spans)


def _read_spans(registers: Iterable[dict[str, Any]]) -> dict[str, tuple[datetime, datetime]]:
    """Return by channel code the range that register reads close, where intervals are stored."""
    spans = {}
    for row in registers:
        first, last = (
            datetime.fromisoformat(row[name]["read_at_utc"]) for name in ("first", "last")
        )
        spans[row["code"]] = (min(first, last - JUST_BEFORE), last - JUST_BEFORE)
    ends = {code: end.astimezone(UTC).date() for code, (_, end) in spans.items()}
    if not spans:
        return {}
    stored = ReadingBlock.objects.filter(
        channel__in=Channel.objects.filter(code__in=spans).values("pk"),
        day__in=set(ends.values()),
        layer=Layer.RAW,
    )
    ids = dict(Channel.objects.filter(code__in=spans).values_list("pk", "code"))
    there = {(ids[pk], day) for pk, day in stored.values_list("channel_id", "day")}
    return {code: span for code, span in spans.items() if (code, ends[code]) in there}


def because(receipt: dict[str, Any]) -> str:
    """Return why days are judged: the file, and the reason of a person who had it read again.

    >>> because({"file": 85}), because({"file": 85, "reason": "One unit is 1e-4 kWh"})
    ('File #85', 'File #85, read again: One unit is 1e-4 kWh')
    """
    again = receipt.get("reason")
    return f"File #{receipt['file']}" + (f", read again: {again}" if again else "")


def validate_receipt(receipt: dict[str, Any], *, now: datetime, actor: Actor) -> list[VeeSummary]:
    """Validate the days that a file touched, here and now."""
    return [
        validate_days(ids, first, last, now=now, actor=actor, reason=because(receipt))
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
                "reason": because(receipt),
            },
        )
