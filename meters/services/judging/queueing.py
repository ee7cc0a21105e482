"""The queue of exceptions: who looks at what, and one decision on many of them.

Every finding of a bulk decision stands for itself: it is decided wholly or not at all, what
somebody else decided meanwhile is told and never overwritten, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet

from meters.models import AcceptReason, Finding, FindingState
from meters.services.editing.order import check_words
from meters.services.judging.accepting import accept_finding
from meters.services.judging.closing import look_again
from poweroptix.accounts.permissions import VERBS, require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, DomainError, NotFoundError, Refused

#: Findings of one bulk decision: what somebody can have looked at, and a request can carry out.
MOST_AT_ONCE = 100
NOBODY = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one finding of a bulk decision, in words; `finding` is None if unknown."""

    pk: int
    finding: Finding | None
    is_done: bool
    said: str


def assignable() -> QuerySet:
    """Return the people who may decide findings, by name."""
    return (
        get_user_model()
        .objects.filter(is_active=True, tenant=None, role__in=VERBS["meters.accept"])
        .order_by("username")
    )


def assign_findings(keys: Sequence[int], person: str, *, actor: Actor) -> list[Outcome]:
    """Give open findings to a person by user name, or to nobody; one outcome each.

    Raises Refused for a person who may not decide findings, for none and for more than 100
    findings.
    """
    require(actor, "meters.accept")
    wanted = person.strip()
    if wanted != NOBODY and not assignable().filter(username=wanted).exists():
        text = f"'{wanted[:40]}' cannot decide exceptions; choose an operator or an analyst."
        raise Refused("finding.assign", text)

    def assign(row: Finding) -> str:
        before, row.assigned_to = row.assigned_to, wanted
        if before == wanted:
            return f"Was {_whose(wanted)} already."
        row.save(update_fields=["assigned_to"])
        record(
            "finding.assign",
            row,
            actor=actor,
            before={"assigned_to": before},
            after={"assigned_to": wanted},
        )
        return f"Now {_whose(wanted)}."

    return _each(keys, lambda pk: assign(_open(pk)))


def accept_findings(
    keys: Sequence[int], *, reason_code: str, comment: str, actor: Actor, now: datetime
) -> list[Outcome]:
    """Accept open findings as true with one reason; one outcome each.

    Raises Refused for no reason, a short comment, none and more than 100 findings.
    """
    require(actor, "meters.accept")
    check_words(reason_code, comment, AcceptReason)

    def accept(pk: int) -> str:
        row = _open(pk)
        accept_finding(row, reason_code=reason_code, comment=comment, actor=actor, now=now)
        return "Accepted as read for this rule."

    return _each(keys, accept)


def judge_again(
    keys: Sequence[int], *, reason_code: str, comment: str, actor: Actor, now: datetime
) -> list[Outcome]:
    """Let rules and estimators look again at the days of open findings; one outcome each.

    The reason stands in the audit trail. Raises Refused as `accept_findings` does.
    """
    require(actor, "meters.validate")
    check_words(reason_code, comment, AcceptReason)
    reason = f"{AcceptReason(reason_code).label}: {comment.strip()}"[:400]

    def judge(pk: int) -> str:
        row = _open(pk)
        if row.channel_id is None:
            raise Refused("finding.channel", "It concerns no channel; there is nothing to judge.")
        looked = look_again(row, now=now, actor=actor)
        record("finding.judge", row, actor=actor, reason=reason)
        after = Finding.objects.get(pk=pk)
        still = after.state == FindingState.OPEN
        state = "still open" if still else f"{after.get_state_display().lower()} now"
        return " ".join([f"Judged again; it is {state}.", *looked.corrections])

    return _each(keys, judge)


def _each(keys: Sequence[int], decide: Callable[[int], str]) -> list[Outcome]:
    """Decide each finding in a savepoint of its own and tell what became of it."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        raise Refused("finding.none", "Choose at least one exception.")
    if len(wanted) > MOST_AT_ONCE:
        text = f"{len(wanted)} exceptions are too many at once; choose at most {MOST_AT_ONCE}."
        raise Refused("finding.many", text)
    told: list[tuple[int, bool, str]] = []
    for pk in wanted:
        try:
            with transaction.atomic():
                told.append((pk, True, decide(pk)))
        except DomainError as fault:
            told.append((pk, False, fault.message))
    rows = Finding.objects.select_related("channel__delivery_point__campus").in_bulk(wanted)
    return [Outcome(pk, rows.get(pk), is_done, said) for pk, is_done, said in told]


def _open(pk: int) -> Finding:
    """Return a finding locked for this decision; Conflict when it is decided already."""
    row = Finding.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        raise NotFoundError("finding.unknown", f"There is no finding {pk}.")
    if row.state != FindingState.OPEN:
        who = f" by {row.decided_by.partition(':')[2]}" if row.decided_by else ""
        why = f": {row.reason}" if row.reason else "."
        raise Conflict("finding.decided", f"Already {row.get_state_display().lower()}{who}{why}")
    return row


def _whose(person: str) -> str:
    return f"with {person}" if person else "with nobody"
