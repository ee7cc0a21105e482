"""Worked examples of a version: written, changed and taken out while it is a draft."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from contracts.forms.workspace import ExampleForm, refused
from contracts.models import ContractExample, ContractVersion
from contracts.pages.terms import FAULTS, sheet_address
from contracts.pages.workspace import version_of
from contracts.services import add_example, change_example, remove_example
from contracts.services.workspace import reads_of
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
            add_example(version, **fields)
        else:
            change_example(ContractExample.objects.get(pk=example.pk), **fields)

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
    """Return the inputs that the terms of a version read; their values are empty and asked for."""
    needs: dict[str, set[str]] = {}
    for term in version.terms.all():
        for name, codes in reads_of(term):
            needs.setdefault(name, set()).update(codes)
    found: dict[str, Any] = {"period": f"{version.valid.lower:%Y-%m}"}
    if needs.get("quantity"):
        found["series"] = {name: {"minutes": 15, "flat": ""} for name in sorted(needs["quantity"])}
    if needs.get("prices"):
        found["prices"] = {name: {"flat": ""} for name in sorted(needs["prices"])}
    return json.dumps(found, indent=2)


def _found(
    code: str, number: int, pk: int | None
) -> tuple[ContractVersion, ContractExample | None]:
    version = version_of(code, number)
    if pk is None:
        return version, None
    return version, get_object_or_404(
        ContractExample.objects.select_related("version"), pk=pk, version=version
    )
