"""A person accepts what a rule found as true."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from meters.models import AcceptReason, Finding, FindingState
from meters.queries.people import accepted_words
from meters.services.editing.order import check_words
from meters.services.judging.closing import look_again
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, NotFoundError, Refused


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
    Refused for a gap (there is nothing to accept), no reason, one that speaks against the reading
    and a short comment.
    """
    require(actor, "meters.accept")
    check_words(reason_code, comment, AcceptReason)
    with transaction.atomic():
        row = Finding.objects.select_for_update().filter(pk=finding.pk).first()
        if row is None:
            raise NotFoundError("finding.unknown", f"There is no finding {finding.pk}.")
        expected = seen_state or FindingState.OPEN
        if row.state != expected or row.state == FindingState.CLOSED:
            who = f" by {row.decided_by.partition(':')[2]}" if row.decided_by else ""
            raise Conflict(
                "finding.decided", f"This finding is already {row.get_state_display()}{who}."
            )
        if row.rule_code == "V01":
            raise Refused("finding.gap", "A gap has no reading to accept; estimate or edit it.")
        before = row.state
        row.state, row.decided_by, row.decided_at = FindingState.ACCEPTED, str(actor)[:150], now
        row.reason = f"{AcceptReason(reason_code).label}: {comment.strip()}"[:400]
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
            look_again(row, now=now, actor=Actor.system("accept"), reason=accepted_words(row))
    return row
