"""Worked examples of a version: written, changed and taken out while it is a draft."""

import json
from calendar import monthrange
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from contracts.forms.examples import ExampleForm
from contracts.forms.workspace import refused
from contracts.models import ContractExample, ContractVersion, IndexSeries
from contracts.pages.terms import FAULTS, sheet_address
from contracts.pages.workspace import version_of
from contracts.queries import DAY_MINUTES
from contracts.services import add_example, change_example, remove_example, run_examples
from contracts.services.workspace import reads_of
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from poweroptix.pages.guards import StaffPage, actor_of, attempt


class ExamplePage(StaffPage, View):
    """A new worked example of a draft, or one of its examples."""

    verb = write_verb = "contracts.edit"

    def get(self, request, code, number, pk=None):
        """Show the example, or the form with the shape of the inputs that the terms read."""
        version, example = _found(code, number, pk)
        initial = {"inputs": shape(version)} if example is None else typed(example)
        return self._shown(request, version, example, ExampleForm(version=version, initial=initial))

    def post(self, request, code, number, pk=None):
        """Save the example, or take it out; what is wrong is said at its field."""
        version, example = _found(code, number, pk)
        back = f"{sheet_address(version)}#examples"
        if example is not None and request.POST.get("action") == "remove":
            done = attempt(request, lambda: _remove(example, request))
            return redirect(back if done else request.path)
        form = ExampleForm(request.POST, version=version)
        if form.is_valid():
            try:
                self._save(request, version, example, form)
            except DomainError as fault:
                refused(form, fault)
            else:
                return redirect(back)
        return self._shown(request, version, example, form, **FAULTS)

    @staticmethod
    def _save(request, version, example, form) -> None:
        fields: dict[str, Any] = {
            "name": form.cleaned_data["name"],
            "inputs": form.cleaned_data["inputs"],
            "expected": form.expected(),
            "actor": actor_of(request),
        }
        if example is None:
            saved = add_example(version, **fields)
        else:
            saved = change_example(ContractExample.objects.get(pk=example.pk), **fields)
        verdicts = run_examples(version, now=now())
        verdict = next(one for one in verdicts if one.name == saved.name)
        if verdict.passed:
            text = f"Example '{saved.name}' is saved and comes out to the cent."
            messages.success(request, text, extra_tags="good")
        else:
            text = f"Example '{saved.name}' is saved but does not come out: "
            messages.warning(request, text + "; ".join(verdict.messages), extra_tags="warn")

    @staticmethod
    def _shown(request, version, example, form, **more) -> HttpResponse:
        context = {
            "contract": version.contract,
            "version": version,
            "example": example,
            "form": form,
            "title": f"Worked example of version {version.number}",
        }
        return render(request, "contracts/example.html", context, **more)


def _remove(example: ContractExample, request: HttpRequest) -> str:
    name = example.name
    remove_example(example, actor=actor_of(request))
    return f"Example '{name}' is removed."


def typed(example: ContractExample) -> dict[str, Any]:
    """Return an example as its form shows it."""
    amounts = {f"line_{code}": amount for code, amount in example.expected.items()}
    return {"name": example.name, "inputs": json.dumps(example.inputs, indent=2), **amounts}


def shape(version: ContractVersion) -> str:
    """Return the inputs that the terms of a version read; their values are empty and asked for.

    Each names its unit: a quantity that of its channel, a price that of its series.
    """
    needs: dict[str, set[str]] = {}
    for term in version.terms.all():
        for name, codes in reads_of(term):
            needs.setdefault(name, set()).update(codes)
    found: dict[str, Any] = {"period": f"{version.valid.lower:%Y-%m}"}
    if needs.get("quantity"):
        bound = version.contract.quantities.select_related("channel")
        units = {one.name: one.channel.unit for one in bound}
        found["series"] = {
            name: {"minutes": 15, "unit": units.get(name, "kWh"), "flat": ""}
            for name in sorted(needs["quantity"])
        }
    if needs.get("prices"):
        named = IndexSeries.objects.filter(code__in=needs["prices"]).order_by("code")
        found["prices"] = {one.code: _empty_prices(one, version) for one in named}
    return json.dumps(found, indent=2)


def _empty_prices(series: IndexSeries, version: ContractVersion) -> dict[str, Any]:
    """Return a month of prices to fill in; those of days begin at midnight UTC, one value each."""
    head = {"minutes": series.minutes, "unit": series.unit}
    if series.minutes < DAY_MINUTES:
        return {**head, "flat": ""}
    first = version.valid.lower
    days = monthrange(first.year, first.month)[1]
    start = f"{first:%Y-%m}-01T00:00:00+00:00"
    return {"start_utc": start, **head, "values": [""] * days}


def _found(
    code: str, number: int, pk: int | None
) -> tuple[ContractVersion, ContractExample | None]:
    version = version_of(code, number)
    if pk is None:
        return version, None
    return version, get_object_or_404(
        ContractExample.objects.select_related("version"), pk=pk, version=version
    )
