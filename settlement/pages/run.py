"""One run: how far it is, what it rests on, what its amounts are, and the decision about it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from poweroptix.accounts.permissions import may
from poweroptix.audit.models import AuditEvent
from poweroptix.clock import now
from poweroptix.kernel.period import Period
from poweroptix.pages.downloads import FILES, table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt, told
from settlement.calc.delta import MEANING
from settlement.calc.materiality import BELOW
from settlement.models import SettlementRun
from settlement.pages.mends import mend_url
from settlement.queries.behind import changed_terms
from settlement.queries.compare import beside
from settlement.queries.corrections import waiting_of
from settlement.queries.month import companions, replaced_together
from settlement.queries.outdated import changed_since_approval
from settlement.queries.runs import compared_with, kind_words
from settlement.queries.split import sources_of
from settlement.services.approval import approve_together, reject_run, submit_run
from settlement.services.judgement import Judge
from settlement.services.month import recalculate_month
from settlement.services.verification import verify_run


class RunPage(StaffPage, View):
    """One run: its state, its lines, what changed, and the decision."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show the run, or hand out its lines as a file."""
        run = _run(pk)
        if request.GET.get("export") in FILES:
            return _lines(run, request.GET["export"])
        before = compared_with(run)
        against = _against(before, run) if before else {}
        context = {
            "run": run,
            "zone": run.contract.zone,
            "period": Period(run.start_utc, run.end_utc, run.contract.zone, run.period),
            "lines": list(run.lines.order_by("position")),
            "rail": rail(run),
            "before": before,
            **against,
            "sources": sources_of(run.allocation_run_id, run.contract_id),
            "kind": kind_words(run),
            "held": [one for one in run.findings if one["code"] == BELOW],
            "waiting": waiting_of(run),
            "since": [_mended(one) for one in changed_since_approval(run, now())],
            "history": AuditEvent.objects.filter(
                object_type="settlement.settlementrun", object_id=str(run.pk)
            ).order_by("pk")[:50],
            "may_submit": may(request.user, "settlement.submit"),
            "may_approve": may(request.user, "settlement.approve"),
            "may_run": may(request.user, "settlement.run"),
            **(_decision(run, actor_of(request)) if run.is_open else {}),
        }
        return render(request, "settlement/run.html", context)

    def post(self, request, pk):
        """Submit, approve, reject, recalculate the month or verify."""
        run, said, actor = _run(pk), request.POST, actor_of(request)
        comment = said.get("comment", "").strip()
        actions = {
            "submit": lambda: _told(
                submit_run(run, actor=actor, now=now()), "The run waits for a second person."
            ),
            "approve": lambda: _approved(
                approve_together(run, actor=actor, now=now(), comment=comment)
            ),
            "reject": lambda: _told(
                reject_run(run, actor=actor, now=now(), reason=comment), "The run is rejected."
            ),
            "verify": lambda: told(verify_run(run)),
        }
        if said.get("action") == "again":
            return recalculated(
                request, run.allocation_run.campus, run.period, reason=comment, of=run
            )
        if said.get("action") in actions:
            attempt(request, actions[said["action"]])
        return redirect("office-run", pk=pk)


def recalculated(request, campus, label: str, *, reason: str, of: SettlementRun | None = None):
    """Queue the recalculation of a campus month and go to its job, or back with the refusal."""
    queued = []

    def act() -> str:
        queued.append(
            recalculate_month(
                campus,
                label,
                contract=of.contract if of else None,
                reason=reason,
                now=now(),
                actor=actor_of(request),
            )
        )
        return "The recalculation of the month is queued."

    if attempt(request, act):
        return redirect("office-job", pk=queued[0].pk)
    return redirect("office-run", pk=of.pk) if of else redirect("office-settlement")


def rail(run: SettlementRun) -> list[dict]:
    """Return the steps of a run as they truly happened: a step that was passed over says so."""
    approved = bool(run.approved_by)
    happened = {
        "CALCULATED": run.state != "DRAFT",
        "REVIEW": bool(run.submitted_by),
        "APPROVED": approved,
        "INVOICED": run.was_invoiced,
    }
    steps = [
        {
            "label": SettlementRun.State(state).label,
            "is_done": done and state != run.state,
            "is_now": state == run.state,
            "is_skipped": state == "REVIEW" and approved and not done,
        }
        for state, done in happened.items()
    ]
    if run.state not in happened:
        steps.append({"label": run.get_state_display(), "is_now": True})
    return steps


def _lines(run: SettlementRun, form: str) -> HttpResponse:
    """Return the lines of a run as a file; they add up to its total."""
    head = ["line_code", "line", "clause", "charge_type", "first_date", "last_date", "quantity",
            "unit", "rate", f"amount_{run.currency.lower()}", "estimated_ratio",
            "corrects_period", "sha256"]  # fmt: skip
    rows = [
        [one.line_code, one.label, one.clause, one.charge_type, one.first_date, one.last_date,
         one.quantity, one.unit, one.rate_text, one.amount_usd, one.estimated_ratio,
         one.corrects_period, one.sha256]
        for one in run.lines.order_by("position")
    ]  # fmt: skip
    name = f"run_{run.contract.code}_{run.period}_v{run.version}"
    return table_response(form, name, head, rows)


def _against(before: SettlementRun, run: SettlementRun) -> dict:
    """Return what differs from the version before; lines that are alike are one row."""
    found = beside(before, run)
    other, same = found.other, found.same
    return {
        "table": [{"line": line} for line in other.lines],
        "same": same.lines and {"count": len(same.lines), "sums": same.sums()},
        "found": other,
        "sums": found.sums(),
        "columns": 8,
        "left": f"v{before.version}",
        "right": f"v{run.version}",
        "terms": changed_terms(before, run) if other.lines else None,
        "meaning": MEANING,
    }


def _decision(run: SettlementRun, actor) -> dict:
    """Return what stands in the way of an open run, and which runs go with it."""
    judge = Judge(actor, now())
    others = companions(run)
    return {
        "gate": [_mended(one) for one in judge.findings(run)],
        "others": others,
        "together": replaced_together(others),
        "refusal": judge.why_not(run),
    }


def _run(pk: int) -> SettlementRun:
    rows = SettlementRun.objects.select_related("contract__campus", "allocation_run__campus")
    return get_object_or_404(rows.defer("allocation_run__worksheets"), pk=pk)


def _approved(runs: list[SettlementRun]) -> str:
    if len(runs) == 1:
        return "The run is approved."
    return f"Approved together: {', '.join(str(run) for run in runs)}."


def _told(_done, text: str) -> str:
    return text


def _mended(finding) -> dict:
    """Return a finding with the address of the page that mends it."""
    return {"finding": finding, "url": mend_url(finding)}
