"""A person changes or accepts readings: always with a reason, a new version and an audit entry.

An edit is a range with one action; it stands against rules and late files until it is reverted.
Above a limit (default 1 % of the touched days or 10 MWh) it takes a second person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.db import transaction

from meters.models import (
    Channel,
    Edit,
    EditAction,
    Finding,
    FindingState,
    Layer,
    PublicationKind,
    ReasonCode,
)
from meters.queries_series import aligned_grid
from meters.services.judging import Readings
from meters.services.publishing import lock_channels, open_publication, publish
from meters.services.validate import revalidate
from meters.services.window import Window
from meters.storage import write
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Conflict, Forbidden, NotFoundError, Refused
from poweroptix.kernel.fixed import EXACT, MISSING, from_micro, micro
from poweroptix.kernel.grid import utc
from poweroptix.kernel.period import day_start, zone_of
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.rounding import estimate

COMMENT_CHARACTERS = 10
LIMIT_RATIO = Decimal("0.01")
LIMIT_KWH = Decimal("10000")
NEEDS_NUMBER = (EditAction.SET, EditAction.ADD, EditAction.SCALE)


def edit_readings(
    channel: Channel,
    start_utc: datetime,
    end_utc: datetime,
    action: str,
    *,
    operand: Decimal | None = None,
    reason_code: str,
    comment: str,
    actor: Actor,
    now: datetime,
    approver: Actor | None = None,
) -> Edit:
    """Change the final readings of [start, end) and publish the new version; return the edit.

    Actions: SET to `operand` (unit of the channel, per interval), ADD `operand`, SCALE by
    `operand`, MARK_MISSING, REVERT to what rules and estimators make of the raw readings. The
    days are validated again; findings on edited readings are kept for the record.

    Raises Refused for a range off the intervals, a missing or needless number, a short comment, an
    unknown reason, a value missing where one is needed or a negative one on a directional channel;
    Forbidden without the right, and above the limit without another person as `approver`.
    """
    require(actor, "meters.edit")
    start, end = utc(start_utc), utc(end_utc)
    _check_words(action, reason_code, comment, operand)
    grid = aligned_grid(start, end, channel.minutes)
    if grid.count == 0:
        raise Refused("edit.range", "The range holds no interval.")
    with transaction.atomic():
        lock_channels([channel.pk])
        zone = channel.delivery_point.campus.zone
        days = _local_days(zone, start, end)
        window = Window.read([channel.pk], *days, channel.minutes)
        before = window.readings(channel.pk, Layer.FINAL)
        first = (grid.start_minute - window.grid.start_minute) // channel.minutes
        part = slice(first, first + grid.count)
        after = _changed(before, part, action, operand, channel)
        totals = _total(before, part), _total(after, part)
        day_total = _total(before, slice(None))
        if action != EditAction.REVERT:
            _check_limit(totals, day_total, channel, actor, approver)
        publication = open_publication(
            PublicationKind.EDIT, actor=actor, now=now, reason=f"{reason_code}: {comment}"
        )
        edit = Edit.objects.create(
            channel=channel,
            start_utc=start,
            end_utc=end,
            action=action,
            operand=operand,
            reason_code=reason_code,
            comment=comment.strip()[:500],
            before_total=totals[0],
            after_total=None if action == EditAction.REVERT else totals[1],
            actor=str(actor)[:150],
            approver=str(approver)[:150] if approver else "",
            publication_id=publication.pk,
            created_at=now,
        )
        if action != EditAction.REVERT:
            window.set_final(channel.pk, after)
            changed = window.changed()
            changed.publication_ids[:] = publication.pk
            write(changed, now)
        _decide_findings(channel, start, end, action, actor, now, comment)
        publish(publication, now)
        record(
            "readings.edit",
            channel,
            actor=actor,
            reason=f"{reason_code}: {comment}",
            before={"total": totals[0], "start": start, "end": end},
            after={"total": totals[1], "action": str(action), "approver": edit.approver},
        )
        revalidate(channel.pk, start, end, now=now, actor=Actor.system("edit"))
    return edit


def accept_finding(
    finding: Finding,
    *,
    reason_code: str,
    comment: str,
    actor: Actor,
    now: datetime,
    seen_state: str | None = None,
) -> Finding:
    """Accept what a rule found as true: for this rule alone the readings count as verified.

    `seen_state` is the state the person saw; Conflict when somebody decided meanwhile. Raises
    Refused for a gap (there is nothing to accept) and for a short comment.
    """
    require(actor, "meters.accept")
    _check_words(EditAction.ACCEPT, reason_code, comment, None)
    with transaction.atomic():
        row = Finding.objects.select_for_update().filter(pk=finding.pk).first()
        if row is None:
            raise NotFoundError("finding.unknown", f"There is no finding {finding.pk}.")
        expected = seen_state or FindingState.OPEN
        if row.state != expected or row.state == FindingState.CLOSED:
            who = f" by {row.decided_by}" if row.decided_by else ""
            raise Conflict(
                "finding.decided", f"This finding is already {row.get_state_display()}{who}."
            )
        if row.rule_code == "V01":
            raise Refused("finding.gap", "A gap has no reading to accept; estimate or edit it.")
        before = row.state
        row.state, row.decided_by, row.decided_at = FindingState.ACCEPTED, str(actor)[:150], now
        row.reason = f"{reason_code}: {comment.strip()}"[:400]
        row.save(update_fields=["state", "decided_by", "decided_at", "reason"])
        record(
            "finding.accept",
            row,
            actor=actor,
            reason=row.reason,
            before={"state": before},
            after={"state": row.state},
        )
        if row.channel_id is not None:
            revalidate(
                row.channel_id, row.start_utc, row.end_utc, now=now, actor=Actor.system("accept")
            )
    return row


def _check_words(action: str, reason_code: str, comment: str, operand: Decimal | None) -> None:
    """Refuse an edit that does not say what, why and by how much."""
    if action not in EditAction.values:
        known = ", ".join(EditAction.values)
        raise Refused("edit.action", f"There is no action '{action}'; known: {known}.")
    if reason_code not in ReasonCode.values:
        known = ", ".join(ReasonCode.values)
        raise Refused("edit.reason", f"There is no reason '{reason_code}'; known: {known}.")
    if len(comment.strip()) < COMMENT_CHARACTERS:
        raise Refused("edit.comment", f"Say why in at least {COMMENT_CHARACTERS} characters.")
    if (operand is None) == (action in NEEDS_NUMBER):
        need = "needs a" if operand is None else "takes no"
        raise Refused("edit.operand", f"The action {action} {need} number.")


def _local_days(zone: str, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the UTC range of the local days that [start, end) touches."""
    place = zone_of(zone)
    last = (end - timedelta(microseconds=1)).astimezone(place).date()
    return day_start(start.astimezone(place).date(), zone), day_start(
        last + timedelta(days=1), zone
    )


def _changed(
    before: Readings, part: slice, action: str, operand: Decimal | None, channel: Channel
) -> Readings:
    """Return the readings after an edit."""
    after = before.copy()
    if action == EditAction.REVERT:
        return after
    if action == EditAction.MARK_MISSING:
        after.values[part], after.status[part] = MISSING, Status.MISSING
        after.method[part] = Method.MANUAL
        return after
    old = after.values[part]
    if action == EditAction.SET:
        new = np.full(len(old), micro(operand), np.int64)
    else:
        if (old == MISSING).any():
            raise Refused(
                "edit.missing", f"{action} needs a value in every interval; some are missing."
            )
        new = _scaled(old, operand) if action == EditAction.SCALE else old + micro(operand)
    if channel.direction != "NET" and (new < 0).any():
        raise Refused("edit.negative", f"{channel.code} measures one direction; no value is < 0.")
    after.values[part], after.status[part] = new, Status.EDITED
    after.method[part] = Method.MANUAL
    return after


def _scaled(values: np.ndarray, factor: Decimal) -> np.ndarray:
    """Return values x factor, rounded like an estimate: 0.001 of the unit, half-even."""
    products = (EXACT.multiply(from_micro(value), factor) for value in values.tolist())
    return np.array([micro(estimate(product)) for product in products], np.int64)


def _total(readings: Readings, part: slice) -> Decimal:
    """Return the sum of the values that are there."""
    values = readings.values[part]
    return from_micro(exact.total(values[values != MISSING]))


def _check_limit(
    totals: tuple[Decimal, Decimal],
    day_total: Decimal,
    channel: Channel,
    actor: Actor,
    approver: Actor | None,
) -> None:
    """Ask for a second person above the limit."""
    if approver is not None:
        require(approver, "meters.edit")
        if (approver.kind, approver.id, approver.name) == (actor.kind, actor.id, actor.name):
            raise Forbidden("edit.same_person", "Somebody else must approve this edit.")
        return
    change = abs(totals[1] - totals[0])
    ratio = Decimal(str(getattr(settings, "METERS_EDIT_LIMIT_RATIO", LIMIT_RATIO)))
    ceiling = Decimal(str(getattr(settings, "METERS_EDIT_LIMIT_KWH", LIMIT_KWH)))
    if change > ceiling or (day_total and change > EXACT.multiply(abs(day_total), ratio)):
        raise Forbidden(
            "edit.second_person",
            f"This edit changes {channel.code} by {change:f} {channel.unit}, more than one person "
            f"may decide (limit {ratio * 100:f} % of the days or {ceiling:f}). A second person "
            "must approve it.",
        )


def _decide_findings(
    channel: Channel,
    start: datetime,
    end: datetime,
    action: str,
    actor: Actor,
    now: datetime,
    comment: str,
) -> None:
    """Close what the edit answers; a revert gives the question back to the rules."""
    inside = Finding.objects.filter(channel=channel, start_utc__gte=start, end_utc__lte=end)
    if action == EditAction.REVERT:
        inside.filter(state__in=[FindingState.EDITED, FindingState.OPEN]).update(
            state=FindingState.CLOSED,
            decided_by=str(actor)[:150],
            decided_at=now,
            reason=f"Edit reverted: {comment}"[:400],
        )
        return
    inside.filter(state__in=[FindingState.OPEN, FindingState.ESTIMATED]).update(
        state=FindingState.EDITED,
        decided_by=str(actor)[:150],
        decided_at=now,
        reason=comment[:400],
    )
