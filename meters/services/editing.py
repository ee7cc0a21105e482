"""A person changes or accepts readings: always with a reason, a new version and an audit entry.

An edit is a range with one action; it stands against rules and late files until it is reverted.
Above a limit (default 1 % of the touched days or 10 MWh) it takes a second person.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    Publication,
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
    _check_words(action, reason_code, comment, operand)
    order = _Order(
        channel,
        utc(start_utc),
        utc(end_utc),
        action,
        operand,
        reason_code,
        comment.strip(),
        actor,
        approver,
        now,
    )
    with transaction.atomic():
        lock_channels([channel.pk])
        edit = order.carry_out()
        revalidate(channel.pk, order.start, order.end, now=now, actor=Actor.system("edit"))
    return edit


@dataclass(frozen=True)
class _Order:
    """One edit as it was asked for."""

    channel: Channel
    start: datetime
    end: datetime
    action: str
    operand: Decimal | None
    reason_code: str
    comment: str
    actor: Actor
    approver: Actor | None
    now: datetime

    def carry_out(self) -> Edit:
        """Write the new version, publish it and record who did it."""
        grid = aligned_grid(self.start, self.end, self.channel.minutes)
        if grid.count == 0:
            raise Refused("edit.range", "The range holds no interval.")
        days = _local_days(self.channel.delivery_point.campus.zone, self.start, self.end)
        window = Window.read([self.channel.pk], *days, self.channel.minutes)
        before = window.readings(self.channel.pk, Layer.FINAL)
        first = (grid.start_minute - window.grid.start_minute) // self.channel.minutes
        part = slice(first, first + grid.count)
        after = _changed(before, part, self.action, self.operand, self.channel)
        totals = _total(before, part), _total(after, part)
        reverts = self.action == EditAction.REVERT
        if not reverts:
            day_total = _total(before, slice(None))
            _check_limit(totals, day_total, self.channel, self.actor, self.approver)
        publication = open_publication(
            PublicationKind.EDIT,
            actor=self.actor,
            now=self.now,
            reason=f"{self.reason_code}: {self.comment}",
        )
        if not reverts:
            window.set_final(self.channel.pk, after)
            changed = window.changed()
            changed.publication_ids[:] = publication.pk
            write(changed, self.now)
        edit = self._record(totals, publication)
        _decide_findings(self, reverts)
        publish(publication, self.now)
        return edit

    def _record(self, totals: tuple[Decimal, Decimal], publication: Publication) -> Edit:
        """Keep the edit and its entry in the audit trail."""
        reverts = self.action == EditAction.REVERT
        edit = Edit.objects.create(
            channel=self.channel,
            start_utc=self.start,
            end_utc=self.end,
            action=self.action,
            operand=self.operand,
            reason_code=self.reason_code,
            comment=self.comment[:500],
            before_total=totals[0],
            after_total=None if reverts else totals[1],
            actor=str(self.actor)[:150],
            approver=str(self.approver)[:150] if self.approver else "",
            publication_id=publication.pk,
            created_at=self.now,
        )
        record(
            "readings.edit",
            self.channel,
            actor=self.actor,
            reason=f"{self.reason_code}: {self.comment}",
            before={"total": edit.before_total, "start": self.start, "end": self.end},
            after={"total": edit.after_total, "action": self.action, "approver": edit.approver},
        )
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


def _decide_findings(order: _Order, reverts: bool) -> None:
    """Close what the edit answers; a revert gives the question back to the rules."""
    inside = Finding.objects.filter(
        channel=order.channel, start_utc__gte=order.start, end_utc__lte=order.end
    )
    said = {"decided_by": str(order.actor)[:150], "decided_at": order.now}
    if reverts:
        inside.filter(state__in=[FindingState.EDITED, FindingState.OPEN]).update(
            state=FindingState.CLOSED, reason=f"Edit reverted: {order.comment}"[:400], **said
        )
        return
    inside.filter(state__in=[FindingState.OPEN, FindingState.ESTIMATED]).update(
        state=FindingState.EDITED, reason=order.comment[:400], **said
    )
