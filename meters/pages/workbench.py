"""The workbench: one finding, the readings around it, and the decision in the same place."""

from datetime import timedelta

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views import View

from meters.models import AcceptReason, EditProposal, Finding, FindingState
from meters.pages.edit_forms import edit_choices
from meters.pages.findings import measure_of, rule_title
from meters.pages.profiles import WEEKS_BACK, asked_view, profile
from meters.pages.queue import Walk
from meters.pages.worksheets import readable
from meters.queries import edits_to_confirm, effect
from meters.queries.people import edit_deciding
from meters.services import accept_finding, look_again
from meters.services.editing.order import sources_of, virtual_words
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.pages.guards import StaffPage, actor_of, attempt

AROUND = timedelta(days=1)
QUEUE = 60


def finding_of(pk: int) -> Finding:
    """Return a finding with its channel and campus; a page that is not found otherwise."""
    return get_object_or_404(
        Finding.objects.select_related("channel__delivery_point__campus"), pk=pk
    )


def walk_of(request) -> Walk:
    """Return the list that this page was opened from."""
    return Walk(request.GET.urlencode())


class Workbench(StaffPage, View):
    """One finding: queue left, profile right, decision below."""

    verb = "meters.view"
    write_verb = "meters.edit"

    def get(self, request, pk):
        """Show the finding with its surroundings."""
        return self._page(request, finding_of(pk))

    def post(self, request, pk):
        """Accept or judge again; then go to the next open finding."""
        finding = finding_of(pk)
        done = attempt(request, lambda: self._decide(request, finding))
        if not done:
            fresh = finding_of(pk)
            return self._page(request, fresh, status=409 if fresh.state != "OPEN" else 400)
        if request.POST.get("action") == "RERUN":
            return walk_of(request).after_decision(finding, goes_on=False)
        going_on = request.POST.get("then") == "next"
        return walk_of(request).after_decision(finding, goes_on=going_on)

    def _decide(self, request, finding) -> str:
        said, actor, at = request.POST, actor_of(request), now()
        if said.get("action") == "ACCEPT":
            accept_finding(
                finding,
                reason_code=said.get("reason_code", ""),
                comment=said.get("comment", ""),
                actor=actor,
                now=at,
                seen_state=said.get("seen_state") or None,
            )
            return "Accepted as read for this rule."
        if said.get("action") == "RERUN" and finding.channel_id is not None:
            return _judged(look_again(finding, now=at, actor=actor))
        raise Refused("finding.action", "Accept the finding, edit its readings, or judge again.")

    @staticmethod
    def _page(request, finding, status=200):
        channel = finding.channel
        zone = channel.delivery_point.campus.zone if channel else "UTC"
        walk = walk_of(request)
        queue = list(walk.rows[:QUEUE])
        keys = [row.pk for row in queue]
        at = keys.index(finding.pk) if finding.pk in keys else -1
        may_edit = may(request.user, "meters.edit")
        context = {
            "finding": finding,
            "channel": channel,
            "rule": rule_title(finding),
            "effect": effect(finding),
            "measure": measure_of(finding),
            "zone": zone,
            "worksheets": readable(finding.worksheet, zone),
            "queue": queue,
            "walk": walk,
            "left": walk.open.count(),
            "before": keys[at - 1] if at > 0 else None,
            "after": keys[at + 1] if at + 1 < len(keys) else None,
            "waiting": edits_to_confirm().count(),
            "decided_by": edit_deciding(finding),
            "proposed": _proposed(finding),
            "accept_reasons": AcceptReason.choices,
            "may_decide": may_edit,
            "may_accept": finding.rule_code != "V01",
            "decided": finding.state != FindingState.OPEN,
            "said": request.POST,
        }
        computed = channel is not None and channel.is_virtual
        context["computed"] = virtual_words(channel) if computed else ""
        if may_edit and channel and not computed and finding.end_utc > finding.start_utc:
            context |= edit_choices(channel, (finding.start_utc, finding.end_utc), {})
        return render(request, "meters/workbench.html", context, status=status)


def _proposed(finding: Finding) -> EditProposal | None:
    """Return the edit of these readings that waits for a second person."""
    touching = edits_to_confirm().filter(
        channel=finding.channel_id, start_utc__lt=finding.end_utc, end_utc__gt=finding.start_utc
    )
    return touching.first() if finding.channel_id is not None else None


def _judged(summary) -> str:
    found = sum(summary.findings.values())
    return (
        f"Judged again: {found} findings, {summary.estimated} intervals estimated, "
        f"{summary.blocks} days written."
    )


class FindingSeries(StaffPage, View):
    """The profile around a finding, as the chart takes it."""

    verb = "meters.view"

    def get(self, request, pk):
        """Return final and received readings, check meters, and the same days weeks before."""
        finding = finding_of(pk)
        if finding.channel is None:
            raise Refused("finding.channel", "This finding concerns no channel; nothing to draw.")
        start, end, width = asked_view(
            request.GET, finding.start_utc - AROUND, finding.end_utc + AROUND
        )
        channel = finding.channel
        beside = sources_of(channel)
        return JsonResponse(
            profile(channel, start, end, beside=beside, weeks_back=WEEKS_BACK, width=width)
        )
