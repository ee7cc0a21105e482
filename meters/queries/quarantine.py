"""What waits in quarantine: names that no channel bears, and files whose mapped records wait."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Min

from meters.models import ImportFile, QuarantinedRecord, RecordState

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
