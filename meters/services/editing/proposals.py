"""An edit above the limit: one person proposes it, another confirms or rejects it.

What was proposed rests on the readings its author saw. If they change before it is confirmed, it
is refused: the author looks again and proposes anew.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import transaction

from meters.models import EditProposal, ProposalState
from meters.services.editing.edit import Decision
from meters.services.editing.order import EditOrder, check_words
from meters.services.editing.previews import preview_edit
from meters.services.judging.validate import revalidate
from meters.services.publishing.publish import lock_channels
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.errors import Conflict, Forbidden, NotFoundError, Refused

REASON_CHARACTERS = 10


def propose_edit(
    order: EditOrder,
    *,
    reason_code: str,
    comment: str,
    actor: Actor,
    now: datetime,
    seen_digest: str = "",
) -> EditProposal:
    """Keep an edit for a second person, with its totals and the digest of the readings.

    Raises what `edit_readings` raises, Refused for a revert (one person may), Conflict when the
    readings are no longer those of the preview with `seen_digest`.
    """
    _person(actor)
    check_words(reason_code, comment)
    if order.reverts:
        raise Refused("edit.revert", "A revert takes no second person; store it at once.")
    preview = preview_edit(order, actor=actor, now=now)
    if seen_digest and seen_digest != preview.digest:
        raise Conflict(
            "edit.moved",
            f"The readings of {order.channel.code} changed since this preview was made; look at "
            "the new readings and preview the edit again.",
        )
    with transaction.atomic():
        proposal = EditProposal.objects.create(
            channel=order.channel,
            start_utc=order.start,
            end_utc=order.end,
            action=order.action,
            operand=order.operand,
            source=order.source,
            reason_code=reason_code,
            comment=comment.strip()[:500],
            totals=[row.to_json() for row in preview.rows],
            readings_digest=preview.digest,
            proposed_by=str(actor)[:150],
            proposed_at=now,
        )
        record(
            "readings.propose",
            proposal,
            actor=actor,
            reason=f"{proposal.get_reason_code_display()}: {proposal.comment}",
            after={"totals": proposal.totals[0], "digest": preview.digest},
        )
    return proposal


def order_of(proposal: EditProposal) -> EditOrder:
    """Return the edit that a proposal asks for."""
    return EditOrder(
        proposal.channel,
        proposal.start_utc,
        proposal.end_utc,
        proposal.action,
        proposal.operand,
        proposal.source,
    )


def confirm_edit(proposal_id: int, *, actor: Actor, now: datetime) -> EditProposal:
    """Carry out a proposed edit in the name of both people; return the proposal with its edit.

    Raises Forbidden for its author, Conflict when somebody decided already or the readings are
    not those that the author saw; nothing is stored then.
    """
    _person(actor)
    with transaction.atomic():
        proposal = _waiting(proposal_id)
        if str(actor) == proposal.proposed_by:
            raise Forbidden(
                "edit.same_person", "You proposed this edit; somebody else must confirm it."
            )
        order = order_of(proposal)
        decision = Decision(
            order, proposal.reason_code, proposal.comment, _author(proposal), actor, now
        )
        lock_channels([proposal.channel_id])
        try:
            proposal.edit = decision.carry_out(proposal.readings_digest)
        except Conflict as fault:
            raise Conflict(
                "edit.moved",
                f"The readings of {proposal.channel.code} changed since "
                f"{_name(proposal.proposed_by)} proposed this edit. Reject it with that reason; "
                f"{_name(proposal.proposed_by)} can look at the new readings and propose it again.",
            ) from fault
        revalidate(proposal.channel_id, order.start, order.end, now=now, actor=Actor.system("edit"))
        _decide(proposal, ProposalState.CONFIRMED, actor, now)
        record(
            "readings.confirm",
            proposal,
            actor=actor,
            reason=decision.reason,
            before={"state": ProposalState.PROPOSED, "proposed_by": proposal.proposed_by},
            after={"state": ProposalState.CONFIRMED, "edit": proposal.edit_id},
        )
    return proposal


def reject_edit(proposal_id: int, *, reason: str, actor: Actor, now: datetime) -> EditProposal:
    """Reject a proposed edit, or withdraw one's own; the readings stay as they are."""
    _person(actor)
    if len(reason.strip()) < REASON_CHARACTERS:
        raise Refused("edit.rejection", f"Say in at least {REASON_CHARACTERS} characters why not.")
    with transaction.atomic():
        proposal = _waiting(proposal_id)
        proposal.decision_reason = reason.strip()[:400]
        _decide(proposal, ProposalState.REJECTED, actor, now)
        record(
            "readings.reject",
            proposal,
            actor=actor,
            reason=proposal.decision_reason,
            before={"state": ProposalState.PROPOSED, "proposed_by": proposal.proposed_by},
            after={"state": ProposalState.REJECTED},
        )
    return proposal


def _person(actor: Actor) -> None:
    """Refuse what only two people can do together to anybody else."""
    require(actor, "meters.edit")
    if actor.kind != "user":
        raise Forbidden("edit.person", "Edits above the limit are proposed and decided by people.")


def _waiting(proposal_id: int) -> EditProposal:
    """Return the proposal, locked; Conflict names whoever decided it first."""
    proposal = (
        EditProposal.objects.select_for_update(of=("self",))
        .select_related("channel__delivery_point__campus")
        .filter(pk=proposal_id)
        .first()
    )
    if proposal is None:
        raise NotFoundError("edit.proposal", f"There is no proposed edit {proposal_id}.")
    if proposal.state != ProposalState.PROPOSED:
        raise Conflict(
            "edit.decided",
            f"This edit is already {proposal.get_state_display().lower()} by "
            f"{_name(proposal.decided_by)}.",
        )
    return proposal


def _decide(proposal: EditProposal, state: str, actor: Actor, now: datetime) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, str(actor)[:150], now
    proposal.save(update_fields=["state", "decided_by", "decided_at", "decision_reason", "edit"])


def _author(proposal: EditProposal) -> Actor:
    """Return who proposed, as actor; someone who has left since is still named."""
    name = _name(proposal.proposed_by)
    user = get_user_model().objects.filter(username=name).first()
    return Actor.of_user(user) if user else Actor("user", None, name)


def _name(actor: str) -> str:
    return actor.partition(":")[2]
