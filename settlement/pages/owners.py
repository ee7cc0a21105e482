"""Owners of campuses: the list, and the statements of a month, per party, reconciled."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from meters.models import Campus
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import Conflict, Refused
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.calc.owners import Statements
from settlement.models import OwnerMonth, Ownership
from settlement.queries.owners import ownership_of, read_owners
from settlement.services.owners import state_owners, stated_again

HEAD = ("campus", "month", "version", "party", "kind", "what", "whole USD", "weight", "weights",
        "how", "amount USD")  # fmt: skip


def _link(row: Ownership) -> str:
    month = row.newest or f"{now().astimezone(zone_of(row.campus.zone)):%Y-%m}"
    return reverse("office-owners-month", args=[row.campus.code, month])


class OwnershipList(StaffPage, ListPage):
    """The ownership models of all campuses with the newest month that was stated."""

    verb = "settlement.view"
    title = "Owners"
    intro = "What a campus month earned and cost its owners, reconciled with lines and pools."
    name = "owners"
    template_name = "settlement/owners_list.html"
    search = ("campus__code", "campus__name", "evidence")
    default_sort = "campus__code"
    columns = (
        Column("campus__code", "Campus", sort="campus__code", link=_link),
        Column("model", "Model", sort="model", value=lambda row: row.get_model_display()),
        Column("first_date", "Holds from", kind="day", sort="first_date"),
        Column("operator__name", "Operator"),
        Column("evidence", "Agreement"),
        Column("newest", "Newest month"),
        Column("newest_usd", "Net", kind="money"),
    )
    filters = (Filter("model", "Model", lambda: Ownership.Model.choices),)
    empty_title = "No ownership model yet"
    empty_text = (
        "A campus gets one in the admin: integrated, independent producer or joint venture."
    )

    def rows(self):
        """Return the models with the newest statements of their campus."""
        months = OwnerMonth.objects.filter(campus=OuterRef("campus"), state="CALCULATED")
        newest = months.order_by("-period")
        return Ownership.objects.select_related("campus", "operator").annotate(
            newest=Subquery(newest.values("period")[:1]),
            newest_usd=Subquery(newest.values("net_usd")[:1]),
        )


class OwnersPage(StaffPage, View):
    """A month: what came in and went out, and the statement of every party."""

    verb = "settlement.view"
    write_verb = "settlement.run"

    def get(self, request, campus, period):
        """Show the statements; `version` older ones, `party` one, `export` as a file."""
        place = get_object_or_404(Campus, code=campus)
        month = read_month(period, place.zone)
        versions = list(
            OwnerMonth.objects.filter(campus=place, period=month.label).order_by("-version")
        )
        chosen = _chosen(versions, request.GET.get("version", ""))
        found = stated_again(chosen) if chosen else None
        party = request.GET.get("party", "")
        if party and (found is None or party not in found.parties):
            raise Http404
        form = request.GET.get("export", "")
        if form in {"csv", "xlsx"}:
            name = f"owners_{campus}_{period}{'_' + party if party else ''}"
            return table_response(form, name, HEAD, table_of(chosen, found, party))
        waiting = _waiting(place, month, chosen)
        context = {
            "campus": place,
            "zone": place.zone,
            "period": month,
            "previous": month.previous().label,
            "next": month.next().label,
            "ownership": ownership_of(place, month),
            "versions": versions,
            "month": chosen,
            "document": json.loads(bytes(chosen.inputs)) if chosen else None,
            "statements": statements_of(found, party),
            "totals": found.totals if found else None,
            "sums": _sums(found),
            "party": party,
            **waiting,
            "may_run": may(request.user, "settlement.run"),
        }
        return render(request, "settlement/owners.html", context)

    def post(self, request, campus, period):
        """State the month, or prove what was stated."""
        place = get_object_or_404(Campus, code=campus)
        month = read_month(period, place.zone)

        def state() -> str:
            made = state_owners(place, month, now=now(), actor=actor_of(request))
            return f"Version {made.version} of the statements counts."

        actions = {"state": state, "prove": lambda: _proved(place, month)}
        if request.POST.get("action") not in actions:
            raise Http404
        attempt(request, actions[request.POST["action"]])
        return redirect("office-owners-month", campus=campus, period=month.label)


def _chosen(versions: list[OwnerMonth], asked: str) -> OwnerMonth | None:
    """Return the version asked for, else the one that counts."""
    if asked:
        found = [one for one in versions if str(one.version) == asked]
        if not found:
            raise Http404
        return found[0]
    return next((one for one in versions if one.state == "CALCULATED"), None)


def _waiting(campus: Campus, period: Period, month: OwnerMonth | None) -> dict[str, Any]:
    """Return what keeps the month from being stated, and whether what was stated is behind."""
    try:
        digest = sha256(canonical_json(read_owners(campus, period)))
    except Refused as fault:
        return {"gate": fault.findings or [fault], "is_stale": False}
    return {"gate": [], "is_stale": month is not None and month.inputs_sha256 != digest}


def statements_of(found: Statements | None, party: str) -> list[dict[str, Any]]:
    """Return the statement of each party, or of one: its lines and what they add up to."""
    if found is None:
        return []
    return [
        {"party": one, "lines": found.of(one), **found.sums(one)}
        for one in found.parties
        if party in ("", one)
    ]


def _sums(found: Statements | None) -> dict[str, Decimal]:
    """Return the columns of the overview, summed over all parties."""
    each = [found.sums(one) for one in found.parties] if found else []
    names = ("revenue_usd", "cost_usd", "fee_usd", "net_usd")
    return {name: sum((one[name] for one in each), Decimal("0.00")) for name in names}


def table_of(month: OwnerMonth | None, found: Statements | None, party: str) -> Iterator[list]:
    """Return the rows of the download, every line of every party."""
    if month is None or found is None:
        return
    for line in found.lines:
        if party in ("", line.party):
            yield [month.campus.code, month.period, month.version, line.party, line.kind,
                   line.label, line.base_usd, line.weight, line.weights, line.said,
                   line.amount_usd]  # fmt: skip


def _proved(campus: Campus, period: Period) -> str:
    """Make the statements again from the frozen document; Conflict where a cent differs."""
    month = get_object_or_404(OwnerMonth, campus=campus, period=period.label, state="CALCULATED")
    again = [(one.party, one.kind, one.amount_usd) for one in stated_again(month).lines]
    stored = list(month.lines.values_list("party__code", "kind", "amount_usd"))
    if again != stored:
        raise Conflict("owners.differs", f"{month}: the statements differ when made again.")
    return f"Proved: {len(stored)} lines made again, nothing differs."
