"""What validation must know of channels beside their readings, read for many channels at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from meters.models import (
    CapacityStep,
    Channel,
    Edit,
    EditAction,
    Finding,
    FindingState,
    Installation,
    ReadingNote,
    capacity_steps,
)
from meters.services.arriving.identity import METER_ID, same_serial
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.grid import Grid

#: Where a finding's detail keeps the digest of the readings that were accepted.
ACCEPTED_VALUES = "accepted_values"
#: Edits that give no value: the rules have the interval again.
NO_VALUE = (EditAction.REVERT, EditAction.MARK_MISSING)


@dataclass(frozen=True)
class Accepted:
    """A finding that a person has accepted: for its rule and its range alone.

    `values`: digest of the readings that were accepted, empty until they are first judged again.
    """

    key: int
    rule_code: str
    start_utc: datetime
    end_utc: datetime
    values: str = ""


@dataclass(frozen=True)
class Installed:
    """A meter on a channel: from, to (None: still) and the factor for stored raw values."""

    start_utc: datetime
    end_utc: datetime | None
    ratio: Decimal
    meter_id: int
    pulse_weight: Decimal | None = None
    serial: str = ""


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
    is_active: bool = True
    unit_id: int | None = None
    source_id: int | None = None
    own_capacity_kw: Decimal | None = None
    capacity_steps: tuple[tuple[date, Decimal], ...] = ()
    installed: list[Installed] = field(default_factory=list)

    def has_meter(self, serial: str, note: ReadingNote) -> bool:
        """Tell whether a meter of that serial number was installed all over the range of a note."""
        return any(
            same_serial(each.serial, serial)
            and each.start_utc <= note.start_utc
            and (each.end_utc is None or note.end_utc <= each.end_utc)
            for each in self.installed
        )


@dataclass
class Surroundings:
    """Notes, decisions and edits that touch a range, by channel id."""

    notes: dict[int, list[ReadingNote]]
    findings: dict[int, list[Finding]]
    edits: dict[int, list[Edit]]

    def flags(self, subject: Subject, grid: Grid) -> list[tuple[int, int, str, dict]]:
        """Return the notes of a channel as index ranges of a grid.

        That a file named another meter is no longer so where the installation was corrected.
        """
        step = timedelta(minutes=grid.minutes)
        ranges = []
        for note in self.notes[subject.channel_id]:
            if note.code == METER_ID and subject.has_meter(note.detail.get("found", ""), note):
                continue
            first = max(0, (note.start_utc - grid.start_utc) // step)
            end = min(grid.count, (note.end_utc - grid.start_utc) // step)
            if first < end:
                ranges.append((int(first), int(end), note.code, dict(note.detail)))
        return sorted(ranges, key=lambda r: r[:3])

    def edited(self, channel_id: int, grid: Grid) -> np.ndarray:
        """Return where a value that a person gave stands: the last edit of each interval."""
        return self._last_edits(channel_id, grid, lambda action: action not in NO_VALUE)

    def voided(self, channel_id: int, grid: Grid) -> np.ndarray:
        """Return where a person took the reading away: what is there is estimated anew."""
        return self._last_edits(channel_id, grid, lambda action: action == EditAction.MARK_MISSING)

    def _last_edits(self, channel_id: int, grid: Grid, wanted: Callable) -> np.ndarray:
        step = timedelta(minutes=grid.minutes)
        mask = np.zeros(grid.count, bool)
        for edit in self.edits[channel_id]:
            first = max(0, (edit.start_utc - grid.start_utc) // step)
            end = min(grid.count, (edit.end_utc - grid.start_utc) // step)
            mask[first:end] = wanted(edit.action)
        return mask

    def accepted(self, channel_id: int) -> list[Accepted]:
        """Return what people accepted of a channel."""
        return [
            Accepted(f.pk, f.rule_code, f.start_utc, f.end_utc, f.detail.get(ACCEPTED_VALUES, ""))
            for f in self.findings[channel_id]
            if f.state == FindingState.ACCEPTED
        ]


def subjects_of(channel_ids: Iterable[int]) -> dict[int, Subject]:
    """Return the subjects by channel id; NotFoundError names an unknown id.

    Two queries, a third where generating units stand behind the points.
    """
    ids = list(dict.fromkeys(channel_ids))
    channels = list(
        Channel.objects.filter(pk__in=ids).select_related(
            "delivery_point__campus", "delivery_point__generating_unit"
        )
    )
    steps = _steps(channels)
    found = {c.pk: _subject(c, steps) for c in channels}
    unknown = [str(i) for i in ids if i not in found]
    if unknown:
        raise NotFoundError("channel.unknown", f"There is no channel {', '.join(unknown[:5])}.")
    installed = Installation.objects.filter(channel__in=ids).select_related("meter")
    for row in installed.order_by("valid"):
        found[row.channel_id].installed.append(
            Installed(
                row.valid.lower,
                row.valid.upper,
                row.applied_ratio,
                row.meter_id,
                row.pulse_weight,
                row.meter.serial,
            )
        )
    return found


def _steps(channels: Iterable[Channel]) -> dict[int, list[CapacityStep]]:
    """Return the later capacity steps of the units behind some channels, by unit id."""
    units = {c.delivery_point.generating_unit_id for c in channels} - {None}
    found: dict[int, list[CapacityStep]] = defaultdict(list)
    for row in CapacityStep.objects.filter(generating_unit__in=units) if units else ():
        found[row.generating_unit_id].append(row)
    return found


def _subject(channel: Channel, steps: Mapping[int, list[CapacityStep]]) -> Subject:
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
        is_active=channel.is_active,
        unit_id=point.generating_unit_id,
        source_id=channel.source_id,
        own_capacity_kw=point.capacity_kw,
        capacity_steps=capacity_steps(unit, steps.get(unit.pk, ())) if unit else (),
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
