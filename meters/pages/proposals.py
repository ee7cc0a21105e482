"""Edits to confirm: what one person proposed and a second one decides."""

from datetime import timedelta
from decimal import Decimal

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.models import EditProposal, ProposalState
from meters.pages.profiles import changed_profile, profile
from meters.services import approved_on, confirm_edit, preview_edit, reject_edit
from meters.services.editing.previews import power_unit
from meters.services.editing.proposals import order_of
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage

AROUND = timedelta(days=1)


def _zone(proposal: EditProposal) -> str:
    return proposal.channel.delivery_point.campus.zone


def _link(proposal: EditProposal) -> str:
    return reverse("office-proposal", args=[proposal.pk])


class ProposalList(StaffPage, ListPage):
    """Edits above the limit; those that wait unless another state is asked for."""

    verb = "meters.view"
    title = "Edits to confirm"
    intro = "An edit above the limit counts once a second person confirms it."
    name = "edits"
    search = ("channel__code", "comment", "proposed_by")
    default_sort = "proposed_at"
    columns = (
        Column("channel__code", "Channel", sort="channel__code", link=_link),
        Column("action", "Action", value=lambda row: row.get_action_display()),
        Column("start_utc", "From", kind="moment", sort="start_utc", zone=_zone),
        Column("end_utc", "To", kind="moment", zone=_zone),
        Column("before", "Before", kind="num", value=lambda r: Decimal(r.totals[0]["before"])),
        Column("after", "After", kind="num", value=lambda r: Decimal(r.totals[0]["after"])),
        Column("unit", "Unit", value=lambda row: row.channel.unit),
        Column("comment", "Why"),
        Column("proposed_by", "Proposed by", kind="person"),
        Column("proposed_at", "On", kind="moment", sort="proposed_at", zone=_zone),
        Column("state", "State", kind="state", sort="state"),
    )
    filters = (Filter("state", "State", lambda: ProposalState.choices),)
    empty_title = "Nothing to confirm"
    empty_text = "No edit waits for a second person."

    def rows(self):
        """Return proposals of the asked state, the waiting ones by default."""
        rows = EditProposal.objects.select_related("channel__delivery_point__campus")
        asked = self.request.GET
        if asked.get("state") or asked.get("q"):
            return rows
        return rows.filter(state=ProposalState.PROPOSED)


def _proposal(pk: int) -> EditProposal:
    return get_object_or_404(
        EditProposal.objects.select_related("channel__delivery_point__campus", "edit"), pk=pk
    )


class ProposalPage(StaffPage, View):
    """One proposed edit: what, why, before and after, and the decision."""

    verb = "meters.view"
    write_verb = "meters.edit"

    def get(self, request, pk):
        """Show the proposal."""
        return self._page(request, _proposal(pk))

    def post(self, request, pk):
        """Confirm or reject it."""
        actor, said = actor_of(request), request.POST

        def act() -> str:
            if said.get("action") == "confirm":
                confirm_edit(pk, actor=actor, now=now())
                return "Confirmed: the edit counts from now on."
            reject_edit(pk, reason=said.get("reason", ""), actor=actor, now=now())
            return "Rejected: the readings stay as they are."

        done = attempt(request, act)
        if not done:
            return self._page(request, _proposal(pk), status=409)
        return redirect("office-proposal", pk=pk)

    @staticmethod
    def _page(request, proposal, status=200):
        waits = proposal.state == ProposalState.PROPOSED
        person = str(actor_of(request))
        context = {
            "proposal": proposal,
            "channel": proposal.channel,
            "zone": _zone(proposal),
            "waits": waits,
            "moved": _moved(request, proposal) if waits else "",
            "approved": approved_on(proposal.channel_id, proposal.start_utc, proposal.end_utc)
            if waits
            else [],
            "is_own": proposal.proposed_by == person,
            "may_decide": waits and may(request.user, "meters.edit"),
            "rows": proposal.totals,
            "power_unit": power_unit(proposal.channel.unit),
            "said": request.POST,
        }
        return render(request, "meters/proposal.html", context, status=status)


def _moved(request, proposal: EditProposal) -> str:
    """Say why a waiting proposal can no longer be confirmed; empty when it can."""
    try:
        preview = preview_edit(order_of(proposal), actor=actor_of(request), now=now())
    except DomainError as fault:
        return fault.message
    if preview.digest == proposal.readings_digest:
        return ""
    return "The readings changed since this was proposed. Reject it; it can be proposed anew."


class ProposalSeries(StaffPage, View):
    """Readings before and after a proposed edit; once decided, the readings as they are."""

    verb = "meters.view"

    def get(self, request, pk):
        """Return the chart."""
        proposal = _proposal(pk)
        if proposal.state != ProposalState.PROPOSED:
            start, end = proposal.start_utc - AROUND, proposal.end_utc + AROUND
            return JsonResponse(profile(proposal.channel, start, end))
        preview = preview_edit(order_of(proposal), actor=actor_of(request), now=now())
        return JsonResponse(changed_profile(preview, AROUND))
