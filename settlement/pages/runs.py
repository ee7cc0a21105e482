"""Settlement runs: the list, the start of a month, and the review of one run."""

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.models import Contract
from meters.models import Campus
from poweroptix.accounts.permissions import may
from poweroptix.audit.models import AuditEvent
from poweroptix.clock import now
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_day, read_instant, read_month
from poweroptix.pages.guards import StaffPage, actor_of, attempt, told
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.models import Line, SettlementRun
from settlement.queries.carry import compare_runs
from settlement.queries.explain import explain_line
from settlement.services.approval import approve_run, reject_run, submit_run
from settlement.services.month import settle_contract, settle_month
from settlement.services.readiness import readiness
from settlement.services.verification import verify_run

RAIL = ("CALCULATED", "REVIEW", "APPROVED", "INVOICED")
#: Which page mends a finding of the gate, by its link key.
MENDS = {
    "meters.completeness": "office-channels",
    "meters.findings": "office-findings",
    "settlement.allocation": "office-settlement",
    "settlement.run": "office-settlement",
    "contracts.index": "office-contracts",
    "contracts.version": "office-contracts",
}


def _link(run: SettlementRun) -> str:
    return reverse("office-run", args=[run.pk])


class RunList(StaffPage, ListPage):
    """All runs; above them the start of a month."""

    verb = "settlement.view"
    write_verb = "settlement.run"
    title = "Settlement"
    intro = "A run freezes everything it read; a second person approves it."
    name = "settlement_runs"
    template_name = "settlement/runs.html"
    search = ("contract__code", "contract__name", "period")
    default_sort = "-period"
    columns = (
        Column("contract__code", "Contract", sort="contract__code", link=_link),
        Column("period", "Month", sort="period", link=_link),
        Column("version", "Version", kind="num", places=0, sort="version"),
        Column("kind", "Kind", sort="kind", value=lambda run: run.get_kind_display()),
        Column("state", "State", kind="state", sort="state"),
        Column("total_usd", "Total", kind="money", sort="total_usd"),
        Column("estimated_ratio", "Estimated", kind="percent"),
        Column("created_by", "Calculated by", kind="person"),
        Column("approved_by", "Approved by", kind="person"),
    )
    filters = (
        Filter("state", "State", lambda: SettlementRun.State.choices),
        Filter(
            "contract",
            "Contract",
            lambda: [(c, c) for c in Contract.objects.values_list("code", flat=True)],
            "contract__code",
        ),
        Filter(
            "period",
            "Month",
            lambda: [
                (p, p)
                for p in SettlementRun.objects.order_by("-period")
                .values_list("period", flat=True)
                .distinct()
            ],
        ),
    )
    empty_title = "No run yet"
    empty_text = "Choose a campus and a month above and start."

    def rows(self):
        """Return all runs."""
        return SettlementRun.objects.select_related("contract").defer("inputs")

    def extra(self):
        """Return what the start form offers."""
        return {
            "campuses": Campus.objects.all(),
            "contracts": Contract.objects.order_by("code"),
            "suggested": _next_month(),
            "kinds": SettlementRun.Kind.choices,
            "may_run": may(self.request.user, "settlement.run"),
        }

    def post(self, request):
        """Queue a campus month, or one contract of it."""
        said, queued = request.POST, []
        common = {
            "kind": said.get("kind", "FINAL"),
            "reason": said.get("reason", ""),
            "now": now(),
            "actor": actor_of(request),
        }

        def act() -> str:
            label = read_month(said.get("period", ""), "UTC").label
            if common["kind"] not in SettlementRun.Kind.values:
                raise Http404
            if said.get("contract"):
                contract = get_object_or_404(Contract, code=said["contract"])
                queued.append(settle_contract(contract, label, **common))
            else:
                campus = get_object_or_404(Campus, code=said.get("campus"))
                queued.append(settle_month(campus, label, **common))
            return "The settlement is queued."

        done = attempt(request, act)
        return redirect("office-job", pk=queued[0].pk) if done else redirect("office-settlement")


class RunPage(StaffPage, View):
    """One run: its state, its lines, what changed, and the decision."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show the run."""
        run = self._run(pk)
        period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
        lines = list(run.lines.order_by("position"))
        open_run = run.is_open
        context = {
            "run": run,
            "zone": run.contract.zone,
            "lines": lines,
            "rail": [(state, SettlementRun.State(state).label) for state in RAIL],
            "reached": RAIL.index(run.state) if run.state in RAIL else -1,
            "gate": [_mended(one) for one in readiness(run.contract, period, now=now())]
            if open_run
            else [],
            "deltas": compare_runs(run.supersedes_id, run.pk) if run.supersedes_id else [],
            "corrections": run.corrections_waiting.filter(cleared_by__isnull=True)[:20],
            "history": AuditEvent.objects.filter(
                object_type="settlement.settlementrun", object_id=str(run.pk)
            ).order_by("pk")[:50],
            "mine": run.created_by == str(actor_of(request)),
            "may_submit": may(request.user, "settlement.submit"),
            "may_approve": may(request.user, "settlement.approve"),
            "may_run": may(request.user, "settlement.run"),
        }
        return render(request, "settlement/run.html", context)

    def post(self, request, pk):
        """Submit, approve, reject, calculate again or verify."""
        run = self._run(pk)
        said, actor = request.POST, actor_of(request)
        comment = said.get("comment", "").strip()
        actions = {
            "submit": lambda: _told(
                submit_run(run, actor=actor, now=now()), "The run waits for a second person."
            ),
            "approve": lambda: _told(
                approve_run(run, actor=actor, now=now(), comment=comment), "The run is approved."
            ),
            "reject": lambda: _told(
                reject_run(run, actor=actor, now=now(), reason=comment), "The run is rejected."
            ),
            "verify": lambda: told(verify_run(run)),
        }
        if said.get("action") == "again":
            queued = []
            kind = "TRUE_UP" if run.is_settled else run.kind

            def again() -> str:
                queued.append(
                    settle_contract(
                        run.contract, run.period, kind=kind, reason=comment, now=now(), actor=actor
                    )
                )
                return "The calculation is queued."

            if attempt(request, again):
                return redirect("office-job", pk=queued[0].pk)
        elif said.get("action") in actions:
            attempt(request, actions[said["action"]])
        return redirect("office-run", pk=pk)

    @staticmethod
    def _run(pk: int) -> SettlementRun:
        return get_object_or_404(
            SettlementRun.objects.select_related("contract", "allocation_run", "supersedes").defer(
                "inputs"
            ),
            pk=pk,
        )


class LinePage(StaffPage, View):
    """One line: its worksheet, its days, and down to the readings of an interval."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show what the amount is made of; `day` opens a day, `at` an interval."""
        line = get_object_or_404(Line.objects.select_related("run__contract"), pk=pk)
        day, at = request.GET.get("day", ""), request.GET.get("at", "")
        tree = explain_line(
            pk, day=read_day(day) if day else None, instant=read_instant(at) if at else None
        )
        context = {
            "line": line,
            "run": line.run,
            "sheet": line.worksheet,
            "tree": tree,
            "day": day,
            "at": at,
            "zone": line.run.contract.zone,
        }
        return render(request, "settlement/line.html", context)


def _next_month() -> str:
    """Return the month after the newest settled one, the usual next step."""
    newest = SettlementRun.objects.order_by("-period").values_list("period", flat=True).first()
    return Period.month("UTC", newest).next().label if newest else ""


def _told(_done, text: str) -> str:
    return text


def _mended(finding) -> dict:
    """Return a finding with the address of the page that mends it."""
    name = MENDS.get(finding.data.get("link", ""), "")
    return {"finding": finding, "url": reverse(name) if name else ""}
