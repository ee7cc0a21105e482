"""What a final reading rests on: the file and line it was received from, through every edit.

An edited reading was copied (another channel, another day, an earlier version) or made from the
reading before it; each step names the person and the reason, the last one the received reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from meters.models import Channel, Edit, EditAction, Layer, Publication
from meters.queries.trace import ReadingVersion, Trace, trace
from poweroptix.kernel.quality import Method, Status

#: So many edits are followed; the reading that the last one names is a link of its own.
FOLLOWED = 5
#: Actions that take no reading: a number, or nothing at all.
GIVEN = (EditAction.SET, EditAction.MARK_MISSING)
COPIES = (EditAction.COPY_CHANNEL, EditAction.COPY_DAY, EditAction.RESTORE)
ESTIMATES = (Status.ESTIMATED, Status.SUBSTITUTED_FINAL)


@dataclass(frozen=True)
class Step:
    """An edit and the reading that it took: none for a number, or where it may not be seen."""

    edit: Edit
    found: Trace | None
    taken: ReadingVersion | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data: the deed with person and reason, channel and version it took."""
        edit, taken = self.edit, self.taken
        return {
            "said": edit.get_action_display(),
            "operand": edit.operand,
            "is_copy": edit.action in COPIES,
            "who": edit.actor,
            "approver": edit.approver,
            "at": edit.created_at,
            "reason": edit.get_reason_code_display(),
            "comment": edit.comment,
            "channel": self.found.channel.code if self.found and taken else "",
            "start_utc": self.found.start_utc if self.found else None,
            "version": taken.version if taken else None,
            "quantity": taken.quantity if taken else None,
        }


@dataclass(frozen=True)
class Basis:
    """The edits behind a final reading, the last one first, and the received reading beneath."""

    steps: tuple[Step, ...]
    found: Trace | None
    made: ReadingVersion | None
    received: ReadingVersion | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data; `estimated_by` is the method where the reading was estimated."""
        made, raw = self.made, self.received
        is_estimate = made is not None and made.status in ESTIMATES
        file = raw.import_file if raw else None
        return {
            "steps": [step.to_json() for step in self.steps],
            "estimated_by": made.method.name if made and is_estimate else "",
            "is_computed": bool(made and self.found and self.found.channel.is_virtual),
            "channel": self.found.channel.code if self.found else "",
            "version": raw.version if raw else None,
            "quantity": raw.quantity if raw else None,
            "file": file.name if file else "",
            "file_id": file.pk if file else None,
            "line": raw.line if raw and file else None,
        }


def rests_on(found: Trace, version: ReadingVersion) -> Basis:
    """Return what a final version of an interval rests on.

    No query for a reading that nobody edited; eight for each other interval that was copied.
    """
    place: Trace | None = found
    made: ReadingVersion | None = version
    steps: list[Step] = []
    while place is not None and made is not None and len(steps) < FOLLOWED:
        edit = _edit_behind(place, made)
        if edit is None:
            return Basis(tuple(steps), place, made, _received(place, made.raw_version))
        before = place
        place, made = _taken(before, edit)
        steps.append(Step(edit, place, made))
        if edit.action in GIVEN:
            return Basis(tuple(steps), before, None, _seen(before, Layer.RAW, edit))
    return Basis(tuple(steps), place, made, None)


def told(found: Trace) -> list[tuple[ReadingVersion, dict[str, Any] | None]]:
    """Return every version of an interval with what it rests on; None for a received one."""
    return [
        (one, rests_on(found, one).to_json() if one.layer == Layer.FINAL else None)
        for one in found.versions
    ]


def _edit_behind(found: Trace, version: ReadingVersion) -> Edit | None:
    """Return the edit that holds in a version; None where the rules made it."""
    if version.status != Status.EDITED and version.method != Method.MANUAL:
        return None
    known = [one for one in found.edits if one.publication_id <= version.publication.pk]
    newest = max(known, key=lambda one: one.pk, default=None)
    return None if newest is None or newest.action == EditAction.REVERT else newest


def _taken(found: Trace, edit: Edit) -> tuple[Trace | None, ReadingVersion | None]:
    """Return the reading that an edit took, as it stood when the edit was made."""
    if edit.action in GIVEN:
        return None, None
    if edit.action == EditAction.RESTORE:
        return found, _restored(found, int(edit.source))
    place: Trace | None = found
    if edit.action == EditAction.COPY_CHANNEL:
        other = Channel.objects.filter(code=edit.source).values_list("pk", flat=True).first()
        place = trace(other, found.start_utc) if other is not None else None
    elif edit.action == EditAction.COPY_DAY:
        place = trace(found.channel.pk, same_time(found.channel, edit, found.start_utc))
    return place, _seen(place, Layer.FINAL, edit) if place else None


def same_time(channel: Channel, edit: Edit, instant: datetime) -> datetime:
    """Return the instant of the same wall-clock time on the day that a COPY_DAY edit copied."""
    zone = ZoneInfo(channel.delivery_point.campus.zone)
    first, local = edit.start_utc.astimezone(zone), instant.astimezone(zone)
    day = local.date() + (date.fromisoformat(edit.source) - first.date())
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


def _seen(found: Trace, layer: int, edit: Edit) -> ReadingVersion | None:
    """Return the version of a layer that readers saw when an edit was made."""
    known = [
        one
        for one in found.versions
        if one.layer == layer
        and one.publication.published_at is not None
        and one.publication.published_at <= edit.created_at
        and one.publication.pk < edit.publication_id
    ]
    return max(known, key=lambda one: one.version, default=None)


def _restored(found: Trace, publication_id: int) -> ReadingVersion | None:
    """Return the final version that readers saw once a publication was visible."""
    limit = Publication.objects.filter(pk=publication_id).first()
    if limit is None or limit.published_at is None:
        return None
    known = [
        one
        for one in found.versions
        if one.layer == Layer.FINAL
        and one.publication.published_at is not None
        and (one.publication.published_at, one.publication.pk) <= (limit.published_at, limit.pk)
    ]
    return max(known, key=lambda one: one.version, default=None)


def _received(found: Trace, number: int | None) -> ReadingVersion | None:
    """Return a received version by its number."""
    known = (one for one in found.versions if one.layer == Layer.RAW and one.version == number)
    return next(known, None)
