"""Exceptions: what rules found, beside the load profile, with the decision in the same place."""

from datetime import timedelta

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.models import (
    Campus,
    Channel,
    EditAction,
    Finding,
    FindingSeverity,
    FindingState,
    ReasonCode,
)
from meters.pages.channels import profile
from meters.queries import open_findings
from meters.services import accept_finding, edit_readings, revalidate
from meters.validation import rules
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.pages.asked import read_number
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage

AROUND = timedelta(days=1)


def _work(finding: Finding) -> str:
    return reverse("office-finding", args=[finding.pk])


def rule_title(finding: Finding) -> str:
    """Name the rule: `Gap (V01)`; a code without a rule stays as it is."""
    rules.discover()
    titles = {rule.code: rule.title for _key, rule in rules.items()}
    found = titles.get(finding.rule_code)
    return f"{found} ({finding.rule_code})" if found else finding.rule_code


class FindingList(StaffPage, ListPage):
    """All findings; the open ones unless another state is asked for."""

    verb = "meters.view"
    title = "Exceptions"
    intro = "What the rules found. A HOLD keeps a month from being settled until a person decides."
    name = "findings"
    search = ("channel__code", "rule_code", "message")
    default_sort = "start_utc"
    columns = (
        Column("rule_code", "Rule", sort="rule_code", link=_work, value=rule_title),
        Column("channel__code", "Channel", sort="channel__code", link=_work),
        Column("severity", "Severity", kind="state", sort="severity"),
        Column("start_utc", "From", kind="moment", sort="start_utc"),
        Column("end_utc", "To", kind="moment", sort="end_utc"),
        Column("message", "Found"),
        Column("metric", "Metric", kind="short"),
        Column("threshold", "Limit", kind="short"),
        Column("state", "State", kind="state", sort="state"),
        Column("decided_by", "By", kind="person"),
    )
    filters = (
        Filter("state", "State", lambda: FindingState.choices),
        Filter("severity", "Severity", lambda: FindingSeverity.choices),
        Filter(
            "campus",
            "Campus",
            lambda: [(c.code, c.name) for c in Campus.objects.all()],
            "channel__delivery_point__campus__code",
        ),
    )
    empty_title = "All clear"
    empty_text = "No rule has anything to say."

    def rows(self):
        """Return findings of the asked state, open ones by default."""
        rows = Finding.objects.select_related("channel__delivery_point__campus")
        asked = self.request.GET
        return (
            rows if asked.get("state") or asked.get("q") else rows.filter(state=FindingState.OPEN)
        )


class Workbench(StaffPage, View):
    """One finding: queue left, profile right, decision below."""

    verb = "meters.view"
    write_verb = "meters.edit"

    def get(self, request, pk):
        """Show the finding with its surroundings."""
        finding = get_object_or_404(
            Finding.objects.select_related("channel__delivery_point__campus"), pk=pk
        )
        return self._page(request, finding)

    def post(self, request, pk):
        """Accept, edit or judge again; then go to the next open finding."""
        finding = get_object_or_404(Finding.objects.select_related("channel"), pk=pk)
        done = attempt(request, lambda: self._decide(request, finding))
        if not done:
            return self._page(request, finding, status=409 if finding.state != "OPEN" else 400)
        following = open_findings().exclude(pk=pk).first()
        if request.POST.get("then") == "next" and following is not None:
            return redirect("office-finding", pk=following.pk)
        return redirect("office-finding", pk=pk)

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
        if said.get("action") == "RERUN":
            summary = revalidate(
                finding.channel_id, finding.start_utc, finding.end_utc, now=at, actor=actor
            )
            return _judged(summary)
        edit = edit_readings(
            finding.channel,
            finding.start_utc,
            finding.end_utc,
            said.get("action", ""),
            operand=read_number(said.get("operand", "")),
            reason_code=said.get("reason_code", ""),
            comment=said.get("comment", ""),
            actor=actor,
            now=at,
        )
        unit = finding.channel.unit
        if edit.after_total is None:
            return "The readings are what the rules make of them again."
        return f"Changed from {edit.before_total:,f} to {edit.after_total:,f} {unit}."

    @staticmethod
    def _page(request, finding, status=200):
        zone = finding.channel.delivery_point.campus.zone if finding.channel_id else "UTC"
        queue = open_findings()[:60]
        context = {
            "finding": finding,
            "rule": rule_title(finding),
            "zone": zone,
            "queue": queue,
            "left": open_findings().count(),
            "actions": [c for c in EditAction.choices if c[0] != EditAction.ACCEPT],
            "reasons": ReasonCode.choices,
            "may_decide": may(request.user, "meters.edit"),
            "may_accept": finding.rule_code != "V01",
            "said": request.POST,
        }
        return render(request, "meters/workbench.html", context, status=status)


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
        """Return final readings with what was received beside them."""
        finding = get_object_or_404(
            Finding.objects.select_related("channel__delivery_point__campus"), pk=pk
        )
        channel: Channel = finding.channel
        return JsonResponse(profile(channel, finding.start_utc - AROUND, finding.end_utc + AROUND))
