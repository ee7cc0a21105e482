"""Contracts: the list, and one contract with its versions, terms and worked examples."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.models import Contract, ContractVersion, IndexSeries
from contracts.services import activate_version, run_examples, sentences
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage


def _link(contract: Contract) -> str:
    return reverse("office-contract", args=[contract.code])


class ContractList(StaffPage, ListPage):
    """All contracts."""

    verb = "contracts.view"
    title = "Contracts"
    intro = (
        "Terms are written in the set-up, proved by worked examples and then not edited any more."
    )
    name = "contracts"
    template_name = "contracts/list.html"
    search = ("code", "name", "offtaker__name")
    default_sort = "code"
    columns = (
        Column("code", "Contract", sort="code", link=_link),
        Column("name", "Name", sort="name", link=_link),
        Column("seller__name", "Seller"),
        Column("offtaker__name", "Offtaker", sort="offtaker__name"),
        Column("campus__name", "Campus"),
        Column("currency", "Money"),
        Column("state", "State", sort="state", value=lambda c: c.get_state_display()),
    )
    filters = (Filter("state", "State", lambda: Contract.State.choices),)
    empty_text = "Enter one in the set-up, or apply a portfolio document."

    def rows(self):
        """Return all contracts."""
        return Contract.objects.select_related("seller", "offtaker", "campus")

    def extra(self):
        """Return the index series with their newest day."""
        return {"indices": IndexSeries.objects.order_by("code")}


class ContractPage(StaffPage, View):
    """One contract."""

    verb = "contracts.view"

    def get(self, request, code):
        """Show versions, terms as sentences, points and examples."""
        contract = get_object_or_404(
            Contract.objects.select_related("seller", "offtaker", "campus"), code=code
        )
        held = list(contract.versions.prefetch_related("terms", "examples").order_by("-number"))
        said = sentences(term for version in held for term in version.terms.all())
        versions = [
            {
                "version": version,
                "terms": [
                    {"term": term, "sentence": said[term.pk]}
                    for term in sorted(version.terms.all(), key=lambda one: one.position)
                ],
                "examples": sorted(version.examples.all(), key=lambda one: one.name),
            }
            for version in held
        ]
        context = {
            "contract": contract,
            "versions": versions,
            "points": contract.points.select_related("delivery_point"),
            "quantities": contract.quantities.select_related("channel"),
            "openings": contract.openings.all(),
            "may_activate": may(request.user, "contracts.activate"),
        }
        return render(request, "contracts/contract.html", context)

    def post(self, request, code):
        """Run the examples of a version, or activate it."""
        version = get_object_or_404(
            ContractVersion, pk=read_pk(request.POST.get("version")), contract__code=code
        )

        def examples() -> str:
            verdicts = run_examples(version, now=now())
            failed = [verdict.name for verdict in verdicts if not verdict.passed]
            return f"{len(verdicts) - len(failed)} of {len(verdicts)} examples pass." + (
                f" Failed: {', '.join(failed)}" if failed else ""
            )

        def activate() -> str:
            activate_version(version, actor=actor_of(request), now=now())
            return f"{version} is active."

        attempt(request, activate if request.POST.get("action") == "activate" else examples)
        return redirect("office-contract", code=code)
