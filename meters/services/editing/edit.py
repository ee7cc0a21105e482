"""A person changes readings: always with a reason, a new version and an audit entry.

An edit is a range with one action; it stands against rules and late files until it is reverted.
Above a limit (default 1 % of the touched days or 10 MWh) it takes a second person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from meters.models import (
    Channel,
    Edit,
    Finding,
    FindingState,
    Publication,
    PublicationKind,
    ReasonCode,
)
from meters.services.editing.order import EditOrder, Outcome, check_words, over_limit, work_out
from meters.services.judging.validate import revalidate
from meters.services.judging.window import Window
from meters.services.publishing.publish import lock_channels, open_publication, publish
from meters.storage import write
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Forbidden
from poweroptix.kernel.grid import utc


def edit_readings(
    channel: Channel,
    start_utc: datetime,
    end_utc: datetime,
    action: str,
    *,
    operand: Decimal | None = None,
    source: str = "",
    reason_code: str,
    comment: str,
    actor: Actor,
    now: datetime,
    approver: Actor | None = None,
    seen_digest: str = "",
) -> Edit:
    """Change the final readings of [start, end) and publish the new version; return the edit.

    Actions (`edit_actions`): SET to `operand` (unit of the channel, per interval), ADD, SCALE,
    TOTAL (one factor for all, so that they add up to `operand`), COPY_DAY (`source`: a local day),
    COPY_CHANNEL (a channel's code), MARK_MISSING, RESTORE (the number of an earlier publication),
    REVERT to what rules and estimators make of the raw readings. What is marked missing is
    estimated like any gap. The days are validated again;
    findings on edited readings are kept for the record.

    Raises Refused for a range off the intervals, a missing or needless number or source, a short
    comment, no reason, a value missing where one is needed or a negative one on a directional
    channel; Conflict when the readings are no longer those of the preview with `seen_digest`;
    Forbidden without the right, and above the limit without another person as `approver`.
    """
    require(actor, "meters.edit")
    order = EditOrder(channel, utc(start_utc), utc(end_utc), action, operand, source)
    order.check()
    check_words(reason_code, comment)
    decision = Decision(order, reason_code, comment.strip(), actor, approver, now)
    with transaction.atomic():
        lock_channels([channel.pk])
        edit = decision.carry_out(seen_digest)
        revalidate(channel.pk, order.start, order.end, now=now, actor=Actor.system("edit"))
    return edit


@dataclass(frozen=True)
class Decision:
    """An edit with who decided it and why."""

    order: EditOrder
    reason_code: str
    comment: str
    actor: Actor
    approver: Actor | None
    now: datetime

    @property
    def reason(self) -> str:
        """Return the reason in words, then the comment."""
        return f"{ReasonCode(self.reason_code).label}: {self.comment}"

    def carry_out(self, seen_digest: str = "") -> Edit:
        """Write the new version, publish it and record who did it; the channel is locked."""
        order = self.order
        window = Window.read([order.channel.pk], *order.days, order.grid.minutes)
        outcome = work_out(order, window)
        if seen_digest and seen_digest != outcome.digest(order):
            raise Conflict(
                "edit.moved",
                f"The readings of {order.channel.code} changed since this preview was made; look "
                "at the new readings and preview the edit again.",
            )
        self._check_limit(outcome)
        publication = open_publication(
            PublicationKind.EDIT, actor=self.actor, now=self.now, reason=self.reason
        )
        if not order.reverts:
            window.set_final(order.channel.pk, outcome.after)
            changed = window.changed()
            changed.publication_ids[:] = publication.pk
            write(changed, self.now)
        edit = self._record(outcome.totals, publication)
        self._decide_findings()
        publish(publication, self.now)
        return edit

    def _check_limit(self, outcome: Outcome) -> None:
        """Ask for a second person above the limit."""
        if self.approver is None:
            if why := over_limit(self.order, outcome):
                raise Forbidden("edit.second_person", why)
            return
        require(self.approver, "meters.edit")
        if str(self.approver) == str(self.actor):
            raise Forbidden("edit.same_person", "Somebody else must approve this edit.")

    def _record(self, totals: tuple[Decimal, Decimal], publication: Publication) -> Edit:
        """Keep the edit and its entry in the audit trail, with both people."""
        order = self.order
        edit = Edit.objects.create(
            channel=order.channel,
            start_utc=order.start,
            end_utc=order.end,
            action=order.action,
            operand=order.operand,
            source=order.source,
            reason_code=self.reason_code,
            comment=self.comment[:500],
            before_total=totals[0],
            after_total=None if order.reverts else totals[1],
            actor=str(self.actor)[:150],
            approver=str(self.approver)[:150] if self.approver else "",
            publication_id=publication.pk,
            created_at=self.now,
        )
        record(
            "readings.edit",
            order.channel,
            actor=self.actor,
            reason=self.reason,
            before={"total": edit.before_total, "start": order.start, "end": order.end},
            after={
                "total": edit.after_total,
                "action": order.action,
                "source": order.source,
                "approver": edit.approver,
            },
        )
        return edit

    def _decide_findings(self) -> None:
        """Close what the edit answers; a revert gives the question back to the rules."""
        order = self.order
        inside = Finding.objects.filter(
            channel=order.channel, start_utc__gte=order.start, end_utc__lte=order.end
        )
        said = {"decided_by": str(self.actor)[:150], "decided_at": self.now}
        if order.reverts:
            inside.filter(state__in=[FindingState.EDITED, FindingState.OPEN]).update(
                state=FindingState.CLOSED, reason=f"Edit reverted: {self.comment}"[:400], **said
            )
            return
        inside.filter(state__in=[FindingState.OPEN, FindingState.ESTIMATED]).update(
            state=FindingState.EDITED, reason=self.reason[:400], **said
        )
