"""Exceptions: what rules found, beside the load profile, with the decision in the same place."""

from django.db.models import Q, QuerySet
from django.urls import reverse

from meters.models import (
    Campus,
    Finding,
    FindingSeverity,
    FindingState,
)
from meters.queries import edits_to_confirm, effect, holds_month
from meters.validation import rules
from poweroptix.pages.asked import read_month, read_pk
from poweroptix.pages.guards import StaffPage
from poweroptix.pages.lists import Column, Filter, ListPage

#: What files and judgement find themselves, beside the rules.
FOUND_ELSEWHERE = {
    "V03": "Other values for readings",
    "F09": "No meter installed",
    "FORWARD_ESTIMATE": "Forward estimate",
    "SOURCE_SUSPECT": "Doubted by the source",
    "POST_EST_FAIL": "Estimate fails a rule",
    "LATE_ACTUAL_ON_LOCKED_EDIT": "Late reading under an edit",
}


def _work(finding: Finding) -> str:
    return reverse("office-finding", args=[finding.pk])


def rule_title(finding: Finding) -> str:
    """Name the rule: `Gap (V01)`; a code without a rule stays as it is."""
    rules.discover()
    titles = FOUND_ELSEWHERE | {rule.code: rule.title for _key, rule in rules.items()}
    found = titles.get(finding.rule_code)
    return f"{found} ({finding.rule_code})" if found else finding.rule_code


def _zone(finding: Finding) -> str:
    return finding.channel.delivery_point.campus.zone if finding.channel_id else "UTC"


def in_month(rows: QuerySet, label: str) -> QuerySet:
    """Return the findings that touch a local month of their campus; Refused for another text."""
    touching = Q(pk__in=[])
    for campus in Campus.objects.all():
        period = read_month(label, campus.zone)
        touching |= Q(
            channel__delivery_point__campus=campus,
            end_utc__gt=period.start_utc,
            start_utc__lt=period.end_utc,
        )
    return rows.filter(touching)


def of_channels(rows: QuerySet, keys: str) -> QuerySet:
    """Return the findings of channels that a link names by their keys, such as `4,7`."""
    return rows.filter(channel__in=[read_pk(key) for key in keys.split(",")])


class FindingList(StaffPage, ListPage):
    """All findings; the open ones unless another state is asked for."""

    verb = "meters.view"
    title = "Exceptions"
    intro = (
        "What the rules found. A HOLD on a main channel keeps its month from being settled until a "
        "person decides; on a check channel it is for comparison and holds nothing."
    )
    name = "findings"
    search = ("channel__code", "rule_code", "message")
    default_sort = "start_utc"
    columns = (
        Column("rule_code", "Rule", sort="rule_code", link=_work, value=rule_title),
        Column("channel__code", "Channel", sort="channel__code", link=_work),
        Column("severity", "Severity", kind="state", sort="severity"),
        Column("effect", "Effect", value=effect),
        Column("start_utc", "From", kind="moment", sort="start_utc", zone=_zone),
        Column("end_utc", "To", kind="moment", sort="end_utc", zone=_zone),
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
        Filter(
            "holds",
            "Effect",
            lambda: [("yes", "Held back")],
            narrow=lambda rows, _yes: rows.filter(holds_month()),
        ),
        Filter("month", "Month", kind="month", narrow=in_month),
        Filter("channels", "Some channels", kind="link", narrow=of_channels),
    )
    template_name = "meters/findings.html"
    empty_title = "All clear"
    empty_text = "No rule has anything to say."

    def rows(self):
        """Return findings of the asked state, open ones by default."""
        rows = Finding.objects.select_related("channel__delivery_point__campus")
        asked = self.request.GET
        return (
            rows if asked.get("state") or asked.get("q") else rows.filter(state=FindingState.OPEN)
        )

    def extra(self):
        """Return how many edits wait for a second person."""
        return {"waiting": edits_to_confirm().count()}
