"""Carbon of a campus: every account, what emitted, and who took it."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from esg.models import EmissionFactor, EmissionRun
from esg.services import account_carbon, verify_emission_run
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt, told
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.models import AllocationRun


def _link(run: EmissionRun) -> str:
    return reverse("office-emission", args=[run.pk])


class EmissionList(StaffPage, ListPage):
    """All accounts of carbon."""

    verb = "esg.view"
    write_verb = "esg.run"
    title = "Carbon"
    intro = "Kilograms per gas from fuel and import, shared by the energy of every interval."
    name = "emission_runs"
    template_name = "esg/runs.html"
    search = ("period", "campus__code")
    default_sort = "-period"
    columns = (
        Column("period", "Month", sort="period", link=_link),
        Column("campus__name", "Campus", link=_link),
        Column("version", "Version", kind="num", places=0),
        Column("state", "State", kind="state", sort="state"),
        Column("energy_in_kwh", "Energy in", kind="energy"),
        Column("co2e_kg", "kg CO₂e", kind="num", places=3, sort="co2e_g"),
        Column("gwp_set", "GWP set"),
        Column(
            "created_at",
            "Accounted",
            kind="moment",
            sort="created_at",
            zone=lambda run: run.campus.zone,
        ),
    )
    filters = (Filter("state", "State", lambda: EmissionRun.State.choices),)
    empty_text = "Allocate a month first, then account its carbon here."

    def rows(self):
        """Return all accounts."""
        return EmissionRun.objects.select_related("campus").defer("inputs", "intensity")

    def extra(self):
        """Return allocations without an account, and how many factors are held."""
        waiting = AllocationRun.objects.filter(
            state__in=["CALCULATED", "APPROVED"], emission_run__isnull=True
        )
        return {
            "waiting": waiting.select_related("campus").defer("inputs")[:20],
            "factors": EmissionFactor.objects.count(),
            "may_run": may(self.request.user, "esg.run"),
        }

    def post(self, request):
        """Account the carbon of an allocation."""
        run = get_object_or_404(AllocationRun, pk=read_pk(request.POST.get("allocation")))

        def act() -> str:
            made = account_carbon(run, now=now(), actor=actor_of(request))
            return f"{made.period}: {made.co2e_kg:,.3f} kg CO₂e accounted."

        attempt(request, act)
        return redirect("office-carbon")


class EmissionPage(StaffPage, View):
    """One account."""

    verb = "esg.view"

    def get(self, request, pk):
        """Show sources with their factors, and the lines."""
        run = get_object_or_404(EmissionRun.objects.select_related("campus"), pk=pk)
        return render(
            request,
            "esg/run.html",
            {
                "run": run,
                "lines": run.lines.select_related("contract").order_by("sink", "code"),
                "zone": run.campus.zone,
            },
        )

    def post(self, request, pk):
        """Compute it again from its frozen inputs."""
        run = get_object_or_404(EmissionRun, pk=pk)

        attempt(request, lambda: told(verify_emission_run(run)))
        return redirect("office-emission", pk=pk)
