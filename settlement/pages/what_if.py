"""What-if: a form over a run, the answers so far, and each answer beside its run."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from contracts.calc.price_terms import PricedTerm
from contracts.charges import charge_type
from contracts.forms.wording import label_of, place_of
from contracts.models import ContractVersion
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.words import label
from poweroptix.pages.asked import NumberFields, read_pk
from poweroptix.pages.downloads import FILES, table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from settlement.calc.inputs import Inputs
from settlement.calc.what_if import Number, numbers_of, with_numbers
from settlement.models import SettlementRun, WhatIf
from settlement.pages.compare import shown
from settlement.queries.causes import stored_inputs
from settlement.queries.what_if import WHAT, beside_its_run
from settlement.services.what_if import ask_what_if

#: Labels of the form, said again where a field is refused.
LOADS = "Loads, percent of the metered ones"
PUBLISHED, ADDED = "percent of the published ones", "plus, in its own unit"


class AskPage(StaffPage, View):
    """The form: loads in percent, each index, each number of a term, or another version."""

    verb, write_verb = "settlement.view", "settlement.run"

    def get(self, request, pk):
        """Show the form and the answers so far."""
        return self._page(request, _run(pk), {})

    def _page(self, request, run: SettlementRun, typed: Mapping[str, str], status: int = 200):
        """Show the form with what was typed, else with the numbers of the run."""
        inputs = stored_inputs(run)
        context = {
            "run": run,
            "zone": run.contract.zone,
            "words": {"loads": LOADS, "published": PUBLISHED, "added": ADDED},
            "title": typed.get("title", ""),
            "load": typed.get("load_percent", "100"),
            "version": typed.get("version", ""),
            "prices": [_price_fields(code, typed) for code in sorted(inputs.prices)],
            "terms": [
                {"term": term, "fields": _term_fields(term, typed)}
                for term in inputs.versions[-1].terms
            ],
            "versions": ContractVersion.objects.filter(contract=run.contract_id).order_by("number"),
            "asked": WhatIf.objects.filter(run=run).defer("inputs"),
            "may_run": may(request.user, "settlement.run"),
        }
        return render(request, "settlement/what_if_ask.html", context, status=status)

    def post(self, request, pk):
        """Settle it, and go to the answer; a refusal leaves the form as it was filled in."""
        run, made = _run(pk), []

        def act() -> str:
            changes = _changes(request.POST, stored_inputs(run))
            title = request.POST.get("title", "")
            made.append(ask_what_if(run, changes, title=title, now=now(), actor=actor_of(request)))
            return "The what-if is settled. It can never be billed."

        if attempt(request, act):
            return redirect("office-what-if", pk=made[0].pk)
        return self._page(request, run, request.POST, status=400)


class AnswerPage(StaffPage, View):
    """A what-if beside its run, with what each change did."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show it, or hand it out as a file."""
        asked = get_object_or_404(WhatIf.objects.select_related("run__contract"), pk=pk)
        found = beside_its_run(asked)
        if request.GET.get("export") in FILES:
            name = f"what_if_{asked.run.contract.code}_{asked.run.period}_{asked.pk}"
            return table_response(request.GET["export"], name, *found.table())
        context = {
            **shown(found, WHAT),
            "asked": asked,
            "terms": _changed_terms(asked.changes.get("terms", {})),
            "run": asked.run,
            "zone": asked.run.contract.zone,
            "left": f"v{asked.run.version}",
            "right": "what-if",
            "newer": "the what-if",
        }
        return render(request, "settlement/what_if.html", context)


def _changed_terms(terms: dict[str, dict[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the changed parameters by line; of lists and blocks every number."""
    return [
        (code, [(one.label, one.value) for one in numbers_of(parameters)])
        for code, parameters in terms.items()
    ]


def _run(pk: int) -> SettlementRun:
    return get_object_or_404(SettlementRun.objects.select_related("contract"), pk=pk)


def _price_fields(code: str, typed: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a price series with what was typed."""
    ratio, adder = typed.get(f"ratio-{code}", "100"), typed.get(f"adder-{code}", "")
    return {"code": code, "ratio": ratio, "adder": adder}


def _term_fields(term: PricedTerm, typed: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the numbers of a term with what was typed."""
    return [
        {
            "id": (name := f"term-{term.line_code}-{one.name}"),
            "label": _label(term, one),
            "value": typed.get(name, one.value),
        }
        for one in numbers_of(term.parameters)
    ]


def _label(term: PricedTerm, number: Number) -> str:
    """Return what a number of a term is, with its unit unless its name ends with it."""
    where = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in number.path)[1:]
    unit = place_of(charge_type(term.charge_type).Parameters, where).unit
    unit = term.parameters.get("price_unit", unit) if unit == "quoted unit" else unit
    return label_of({"label": label(number.label.replace(" ", "_")), "unit": unit})


def _changes(said, inputs: Inputs) -> dict[str, Any]:
    """Return the document of a form; what was left as it was is no change.

    Refused with every field that is no number, by the label that the form shows.
    """
    numbers, document = NumberFields(said), {}
    load = _ratio(numbers, "load_percent", LOADS)
    if load:
        document["load_ratio"] = load
    prices = {code: _price(numbers, code) for code in sorted(inputs.prices)}
    prices = {code: change for code, change in prices.items() if change}
    if prices:
        document["prices"] = prices
    terms = {str(term.line_code): _term(numbers, term) for term in inputs.versions[-1].terms}
    terms = {code: change for code, change in terms.items() if change}
    if terms:
        document["terms"] = terms
    numbers.check()
    version = said.get("version", "")
    if version:
        document["version"] = read_pk(version)
    return document


def _term(numbers: NumberFields, term: PricedTerm) -> dict[str, Any]:
    values = {}
    for one in numbers_of(term.parameters):
        what = f"{term.line_code} {term.label}, {_label(term, one)}"
        given = numbers.read(f"term-{term.line_code}-{one.name}", what)
        if given is not None and given != Decimal(one.value):
            values[one.path] = format(given, "f")
    return with_numbers(term.parameters, values)


def _price(numbers: NumberFields, code: str) -> dict[str, str]:
    ratio = _ratio(numbers, f"ratio-{code}", f"{code}, {PUBLISHED}")
    adder = numbers.read(f"adder-{code}", f"{code}, {ADDED}")
    change = {"ratio": ratio} if ratio else {}
    return {**change, "adder": format(adder, "f")} if adder else change


def _ratio(numbers: NumberFields, name: str, words: str) -> str:
    """Return a percentage of the form as a ratio; empty where it is 100 or not written."""
    percent = numbers.read(name, words)
    return "" if percent in (None, 100) else format(percent.scaleb(-2), "f")
