"""Exceptions: the queue of what rules found, who looks at what, and one decision on many."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from meters.models import (
    AcceptReason,
    Campus,
    Finding,
    FindingSeverity,
    FindingState,
    ImportFile,
)
from meters.queries import edits_to_confirm, effect, holds_month
from meters.queries.arrived import findings_of_file
from meters.services.judging.queueing import (
    Outcome,
    accept_findings,
    assign_findings,
    assignable,
    judge_again,
)
from meters.validation import OWN_UNIT, rules
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.pages.asked import read_month, read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from poweroptix.pages.templatetags.po import sentence, span_text

#: What files and judgement find themselves, beside the rules.
FOUND_ELSEWHERE = {
    "V03": "Other values for readings",
    "F06": "Another multiplier than installed",
    "F09": "No meter installed",
    "MULTIPLIER": "Ratio that cannot be applied",
    "V28": "Register with other dials",
    "REGISTER_RAN_BACK": "Register ran back",
    "REGISTER_IMPLAUSIBLE": "Register advanced too far",
    "REGISTER_UNPROVEN": "Register passed zero unproven",
    "REGISTER_EXCHANGE": "Meter exchange with one read",
    "REGISTER_QUANTITY": "Stated quantity is not the advance",
    "FORWARD_ESTIMATE": "Forward estimate",
    "SOURCE_SUSPECT": "Doubted by the source",
    "POST_EST_FAIL": "Estimate fails a rule",
    "LATE_ACTUAL_ON_LOCKED_EDIT": "Late reading under an edit",
    "VIRTUAL": "No value of an expression",
}


#: What their metrics are, and in which unit.
MEASURED_ELSEWHERE = {"V03": ("Largest change", "%"), "F06": ("Multiplier stated", "")}


def _work(finding: Finding) -> str:
    return reverse("office-finding", args=[finding.pk])


#: Days that an exception has waited.
AGES = (("1", "Over a day"), ("7", "Over a week"), ("30", "Over 30 days"))
NOBODY = "-"


def titles() -> dict[str, str]:
    """Return what each code of a finding means."""
    rules.discover()
    return FOUND_ELSEWHERE | {rule.code: rule.title for _key, rule in rules.items()}


def rule_title(finding: Finding) -> str:
    """Name the rule: `Gap (V01)`; a code without a rule stays as it is."""
    found = titles().get(finding.rule_code)
    return f"{found} ({finding.rule_code})" if found else finding.rule_code


def measure_of(finding: Finding) -> tuple[str, str]:
    """Say what the metric of a finding is, and its unit; empty where only its sentence says it."""
    if finding.rule_code in MEASURED_ELSEWHERE:
        return MEASURED_ELSEWHERE[finding.rule_code]
    rules.discover()
    for _key, rule in rules.items():
        if rule.code == finding.rule_code and rule.measures:
            own = rule.measured_in == OWN_UNIT
            return rule.measures, (_unit(finding) if own else rule.measured_in)
    return "", ""


def _unit(finding: Finding) -> str:
    return finding.channel.unit if finding.channel_id else ""


def rule_choices() -> list[tuple[str, str]]:
    """Return the codes with their titles, in order of code."""
    return [(code, f"{code} {title}") for code, title in sorted(titles().items())]


def _zone(finding: Finding) -> str:
    return finding.channel.delivery_point.campus.zone if finding.channel_id else "UTC"


def _span(finding: Finding) -> str:
    return span_text(finding.start_utc, finding.end_utc, _zone(finding))


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


def of_file(rows: QuerySet, key: str) -> QuerySet:
    """Return the findings that came with a file; 404 when there is no such file."""
    return findings_of_file(get_object_or_404(ImportFile, pk=read_pk(key)), rows)


def of_effect(rows: QuerySet, asked: str) -> QuerySet:
    """Return the findings that hold a month back, or those that do not."""
    return rows.filter(holds_month()) if asked == "yes" else rows.exclude(holds_month())


def people() -> list[tuple[str, str]]:
    """Return whom an exception can be with, nobody first."""
    names = assignable().values_list("username", flat=True)
    return [(NOBODY, "Nobody"), *((name, name) for name in names)]


def with_person(rows: QuerySet, name: str) -> QuerySet:
    """Return the findings that are with a person, or with nobody."""
    return rows.filter(assigned_to="" if name == NOBODY else name)


def older(rows: QuerySet, days: str) -> QuerySet:
    """Return the findings that have waited for so many days."""
    return rows.filter(created_at__lt=now() - timedelta(days=int(days)))


def kept(said: QueryDict) -> str:
    """Return the tail of an address that keeps the filters, the search and the order of a list."""
    tail = said.copy()
    for passing in ("page", "size", "export"):
        tail.pop(passing, None)
    return f"?{tail.urlencode()}" if tail else ""


def _age(finding: Finding) -> str:
    waited = now() - finding.created_at
    return f"{waited.days}\N{NO-BREAK SPACE}d" if waited.days else "today"


class FindingList(StaffPage, ListPage):
    """All findings, the open ones unless another state is asked for; several decided at once."""

    verb = "meters.view"
    write_verb = "meters.accept"
    picks = True
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
        Column("span", "When", sort="start_utc", value=_span),
        Column("start_utc", "From", kind="moment", zone=_zone, on_screen=False),
        Column("end_utc", "To", kind="moment", zone=_zone, on_screen=False),
        Column("message", "Found", value=lambda f: sentence(f.message)),
        Column("created_at", "Age", sort="created_at", value=_age),
        Column("assigned_to", "With", sort="assigned_to", value=lambda f: f.assigned_to or None),
        Column("metric", "Metric", kind="short", on_screen=False),
        Column("threshold", "Limit", kind="short", on_screen=False),
        Column("state", "State", kind="state", sort="state"),
        Column("decided_by", "By", kind="person", on_screen=False),
    )
    filters = (
        Filter("state", "State", lambda: FindingState.choices, usual=FindingState.OPEN),
        Filter("rule", "Rule", rule_choices, "rule_code"),
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
            lambda: [("yes", "Holds the month"), ("no", "Holds no month")],
            narrow=of_effect,
        ),
        Filter("assigned", "With", people, narrow=with_person),
        Filter("age", "Age", lambda: AGES, narrow=older),
        Filter("month", "Month", kind="month", narrow=in_month),
        Filter("channels", "Some channels", kind="link", narrow=of_channels),
        Filter("file", "Of a file", kind="link", narrow=of_file),
    )
    template_name = "meters/findings.html"
    empty_title = "All clear"
    empty_text = "No rule has anything to say."

    def rows(self):
        """Return all findings; the filters narrow them."""
        return Finding.objects.select_related("channel__delivery_point__campus")

    def cell_link(self, column, row):
        """Lead to the exception, which then knows the list that it was chosen from."""
        link = super().cell_link(column, row)
        return link + kept(self.request.GET) if link else ""

    def can_pick(self, row):
        """Only what is open can be decided, by those who may."""
        return row.state == FindingState.OPEN and may(self.request.user, "meters.accept")

    def extra(self):
        """Return how many edits wait for a second person, and what the form of many offers."""
        return {
            "waiting": edits_to_confirm().count(),
            "may_decide": may(self.request.user, "meters.accept"),
            "people": [name for name, _label in self.offered["assigned"] if name != NOBODY],
            "reasons": AcceptReason.choices,
            "said": self.request.POST,
            "picked": [int(key) for key in self.request.POST.getlist("pick") if key.isdecimal()],
        }

    def post(self, request):
        """Assign, accept or judge again what was chosen; say what became of each."""
        told: list[Outcome] = []
        if not attempt(request, lambda: told.extend(self._decide(request))):
            answer = self.get(request)
            answer.status_code = 400
            return answer
        context = {
            "told": [{"one": one, "rule": one.finding and rule_title(one.finding)} for one in told],
            "done": sum(one.is_done for one in told),
            "back": request.get_full_path(),
            "kept": kept(request.GET),
        }
        return render(request, "meters/findings_outcome.html", context)

    @staticmethod
    def _decide(request) -> list[Outcome]:
        said, actor = request.POST, actor_of(request)
        keys, action = [read_pk(key) for key in said.getlist("pick")], said.get("action", "")
        if action == "ASSIGN":
            return assign_findings(keys, said.get("person", ""), actor=actor)
        act = {"ACCEPT": accept_findings, "RERUN": judge_again}.get(action)
        if act is None:
            raise Refused("finding.action", "Assign, accept or judge again what is chosen.")
        reason_code, comment = said.get("reason_code", ""), said.get("comment", "")
        return act(keys, reason_code=reason_code, comment=comment, actor=actor, now=now())
