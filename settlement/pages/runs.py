"""Settlement runs: the list, the start of a month, what waits, and the lines of a run."""

import re
from datetime import datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.models import Contract
from meters.models import Campus
from meters.queries.newest import newest_month
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.asked import read_day, read_instant, read_month
from poweroptix.pages.downloads import FILES, table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.models import Line, SettlementRun
from settlement.pages.run import recalculated
from settlement.queries.corrections import waiting_months, waiting_runs
from settlement.queries.explain import explain_line, interval_rows, line_intervals
from settlement.queries.runs import WAITS, waiting_for
from settlement.services.month import settle_contract, settle_month
from settlement.services.month_end import settle_everything

#: What the form says for all campuses; no code has a star.
ALL = "*"
MONTH = re.compile(r"(199\d|20\d\d)-(0[1-9]|1[0-2])")


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
            "waits",
            "Waits for",
            lambda: WAITS,
            narrow=lambda rows, what: waiting_for(what, rows),
        ),
        Filter(
            "contract",
            "Contract",
            lambda: [(c, c) for c in Contract.objects.values_list("code", flat=True)],
            "contract__code",
        ),
        Filter("period", "Month", kind="month"),
    )
    empty_title = "No run yet"
    empty_text = "Choose a campus and a month above and start."

    def rows(self):
        """Return all runs."""
        return SettlementRun.objects.select_related("contract").defer("inputs")

    def extra(self):
        """Return what the start form offers."""
        campuses = list(Campus.objects.all())
        return {
            "campuses": campuses,
            "contracts": Contract.objects.order_by("code"),
            **_start(campuses, self.request.GET.get("period", ""), now()),
            "kinds": SettlementRun.Kind.choices,
            "may_run": may(self.request.user, "settlement.run"),
            "waiting_months": waiting_months(waiting_runs()),
        }

    def post(self, request):
        """Queue a campus month, or one contract of it; or recalculate what waits."""
        said, queued = request.POST, []
        if said.get("action") == "again":
            campus = get_object_or_404(Campus, code=said.get("campus"))
            label = read_month(said.get("period", ""), "UTC").label
            return recalculated(request, campus, label, reason=said.get("reason", ""))
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
            elif said.get("campus") == ALL:
                queued.append(settle_everything(label, **common))
            else:
                campus = get_object_or_404(Campus, code=said.get("campus"))
                queued.append(settle_month(campus, label, **common))
            return "The settlement is queued."

        done = attempt(request, act)
        return redirect("office-job", pk=queued[0].pk) if done else redirect("office-settlement")


class LinePage(StaffPage, View):
    """One line: its worksheet, its days, and down to the readings of an interval."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show what the amount is made of; `day` opens a day, `at` an interval, `export` a file."""
        line = get_object_or_404(Line.objects.select_related("run__contract"), pk=pk)
        day, at = request.GET.get("day", ""), request.GET.get("at", "")
        if request.GET.get("export") in FILES:
            found = line_intervals(pk, day=read_day(day) if day else None)
            name = f"intervals_{line.run}_line{line.position}{f'_{day}' if day else ''}"
            return table_response(
                request.GET["export"], name.replace(" ", "_"), *interval_rows(found)
            )
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
            "against": _billed_before(line),
        }
        return render(request, "settlement/line.html", context)


def _billed_before(line: Line) -> int | None:
    """Return the version up to which the period that a correction corrects was billed before."""
    return next(
        (
            one["runs"].get("before_version")
            for one in line.run.adjustments
            if line.corrects_period and one["period"] == line.corrects_period
        ),
        None,
    )


def _start(campuses: list[Campus], asked: str, at: datetime) -> dict[str, Any]:
    """Return the month that the form starts with, the newest it takes, and the one that runs.

    The month is the one asked for, else the one after the newest run. While it is not over on any
    campus the form starts with none, and `running` is that month where it ends first.
    """
    over = max((_running(one, at).previous().label for one in campuses), default="")
    wanted = asked if MONTH.fullmatch(asked) else _next_month()
    if wanted <= over:
        return {"suggested": wanted, "newest": over, "running": None}
    ends = [Period.month(one.zone, wanted) for one in campuses]
    first = min(ends, key=lambda period: period.end_utc, default=None)
    return {"suggested": "", "newest": over, "running": first}


def _running(campus: Campus, at: datetime) -> Period:
    """Return the month of an instant on a campus."""
    return Period.month(campus.zone, f"{at.astimezone(zone_of(campus.zone)):%Y-%m}")


def _next_month() -> str:
    """Return the month after the newest settled one; before the first, the newest with readings."""
    newest = SettlementRun.objects.order_by("-period").values_list("period", flat=True).first()
    if newest:
        return Period.month("UTC", newest).next().label
    campus = Campus.objects.order_by("code").first()
    return newest_month(campus, now=now()).label if campus else ""
