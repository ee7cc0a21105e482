"""What validation must know of channels beside their readings, read for many channels at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from meters.models import (
    Channel,
    Edit,
    EditAction,
    Finding,
    FindingState,
    Installation,
    ReadingNote,
)
from poweroptix.kernel.errors import NotFoundError


@dataclass(frozen=True)
class Installed:
    """A meter on a channel: from, to (None: still) and the factor for stored raw values."""

    start_utc: datetime
    end_utc: datetime | None
    ratio: Decimal
    meter_id: int


@dataclass
class Subject:
    """One channel under judgement."""

    channel_id: int
    code: str
    campus_id: int
    point_id: int
    role: str
    zone: str
    unit: str
    minutes: int
    direction: str
    quantity: str
    kind: str
    technology: str
    capacity_kw: Decimal | None
    high_limit_kw: Decimal | None
    installed: list[Installed] = field(default_factory=list)


@dataclass
class Surroundings:
    """Notes, decisions and edits that touch a range, by channel id."""

    notes: dict[int, list[ReadingNote]]
    findings: dict[int, list[Finding]]
    edits: dict[int, list[Edit]]


def subjects_of(channel_ids: Iterable[int]) -> dict[int, Subject]:
    """Return the subjects by channel id; NotFoundError names an unknown id. Two queries."""
    ids = list(dict.fromkeys(channel_ids))
    found = {
        c.pk: _subject(c)
        for c in Channel.objects.filter(pk__in=ids).select_related(
            "delivery_point__campus", "delivery_point__generating_unit"
        )
    }
    unknown = [str(i) for i in ids if i not in found]
    if unknown:
        raise NotFoundError("channel.unknown", f"There is no channel {', '.join(unknown[:5])}.")
    for row in Installation.objects.filter(channel__in=ids).order_by("valid"):
        found[row.channel_id].installed.append(
            Installed(row.valid.lower, row.valid.upper, row.applied_ratio, row.meter_id)
        )
    return found


def _subject(channel: Channel) -> Subject:
    point = channel.delivery_point
    unit = point.generating_unit
    return Subject(
        channel_id=channel.pk,
        code=channel.code,
        campus_id=point.campus_id,
        point_id=point.pk,
        role=channel.role,
        zone=point.campus.zone,
        unit=channel.unit,
        minutes=channel.minutes,
        direction=channel.direction,
        quantity=channel.quantity,
        kind=point.kind,
        technology=unit.technology if unit else "",
        capacity_kw=point.capacity_kw or (unit.nameplate_kw if unit else None),
        high_limit_kw=channel.high_limit_kw,
    )


def surroundings(
    channel_ids: Iterable[int], start_utc: datetime, end_utc: datetime
) -> Surroundings:
    """Return what touches [start, end) of these channels. Three queries."""
    ids = list(channel_ids)
    touching = {"channel__in": ids, "start_utc__lt": end_utc, "end_utc__gt": start_utc}
    found = Surroundings(defaultdict(list), defaultdict(list), defaultdict(list))
    for note in ReadingNote.objects.filter(**touching).exclude(code="QUALITY"):
        found.notes[note.channel_id].append(note)
    for finding in Finding.objects.filter(**touching).exclude(state=FindingState.CLOSED):
        found.findings[finding.channel_id].append(finding)
    for edit in Edit.objects.filter(**touching).order_by("pk"):
        if edit.action != EditAction.ACCEPT:
            found.edits[edit.channel_id].append(edit)
    return found
