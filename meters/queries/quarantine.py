"""What waits in quarantine: names that no channel bears, and files whose mapped records wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q, QuerySet

from meters.models import Channel, ChannelAlias, ImportFile, QuarantinedRecord, RecordState
from poweroptix.kernel.period import zone_of

UNKNOWN = "F03"
LISTED = 100


@dataclass(frozen=True)
class UnknownChannel:
    """A name of a source without a channel; `record_id` is the oldest record that bears it."""

    source: str
    text: str
    record_id: int
    records: int
    files: int
    newest_file_id: int


def unknown_channels(limit: int = LISTED) -> list[UnknownChannel]:
    """Return open unknown names by source, those with the most files first. One query."""
    rows = (
        QuarantinedRecord.objects.filter(state=RecordState.OPEN, code=UNKNOWN)
        .exclude(channel_text="")
        .values("import_file__source", "channel_text")
        .annotate(
            first=Min("pk"),
            records=Count("pk"),
            files=Count("import_file", distinct=True),
            newest=Max("import_file"),
        )
        .order_by("-files", "import_file__source", "channel_text")[:limit]
    )
    return [
        UnknownChannel(
            row["import_file__source"],
            row["channel_text"],
            row["first"],
            row["records"],
            row["files"],
            row["newest"],
        )
        for row in rows
    ]


def files_to_replay() -> list[int]:
    """Return the accepted files of which mapped records wait for a replay. One query."""
    mapped = QuarantinedRecord.objects.filter(state=RecordState.MAPPED).values("import_file")
    return list(
        ImportFile.objects.filter(pk__in=mapped, state="ACCEPTED")
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def waiting_in(start: datetime, end: datetime) -> QuerySet[QuarantinedRecord]:
    """Return the records in quarantine of [start, end), and those that say no time."""
    inside = Q(start_utc__lt=end) & (Q(end_utc__gt=start) | Q(start_utc__gte=start))
    return QuarantinedRecord.objects.filter(
        inside | Q(start_utc=None), state__in=(RecordState.OPEN, RecordState.MAPPED)
    ).order_by("channel_text", "start_utc", "pk")


def held_of_channels(
    channel_ids: Iterable[int], start: datetime, end: datetime
) -> dict[int, list[QuarantinedRecord]]:
    """Return the records in quarantine of [start, end) by the channel that their name means.

    A name means a channel by its alias of the source, else by its code. Records that say no time
    are left out. Three queries, one where nothing waits.
    """
    rows = list(waiting_in(start, end).exclude(start_utc=None).select_related("import_file"))
    if not rows:
        return {}
    wanted = Channel.objects.filter(pk__in=list(channel_ids))
    by_code = dict(wanted.values_list("code", "pk"))
    aliases = {
        (source, text): pk
        for source, text, pk in ChannelAlias.objects.filter(
            channel_text__in={row.channel_text for row in rows}
        ).values_list("source", "channel_text", "channel")
    }
    chosen = set(by_code.values())
    found: dict[int, list[QuarantinedRecord]] = {}
    for row in rows:
        meant = aliases.get((row.import_file.source, row.channel_text))
        pk = by_code.get(row.channel_text) if meant is None else meant
        if pk in chosen:
            found.setdefault(pk, []).append(row)
    return found


def days_in_words(row: QuarantinedRecord, zone: str) -> str:
    """Return the local days of a record; that they are unknown where it says no time."""
    if row.start_utc is None:
        return "days unknown"
    place = zone_of(zone)
    last = max(row.start_utc, row.end_utc - timedelta(microseconds=1))
    first_day, last_day = (at.astimezone(place).date() for at in (row.start_utc, last))
    return f"{first_day}" if first_day == last_day else f"{first_day} to {last_day}"
