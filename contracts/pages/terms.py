"""Writing a version from the workspace: the draft and its terms."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.calc.energy_share import shares_apart
from contracts.calc.line_rules import absent_lines
from contracts.charges import charge_type, charge_types
from contracts.forms import PREFIX
from contracts.forms.workspace import VersionForm, refused, workspace_form
from contracts.models import ContractVersion, Term
from contracts.pages.workspace import contract_of, version_of
from contracts.queries import priced_term
from contracts.services import add_term, change_term, new_version, remove_term
from contracts.services.sentences import sentences
from contracts.services.workspace import reads_of
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from poweroptix.pages.guards import StaffPage, actor_of, attempt

FAULTS = {"status": 400}


def sheet_address(version: ContractVersion) -> str:
    """Return the workspace with a version open."""
    address = reverse("office-contract", args=[version.contract.code])
    return f"{address}?version={version.number}"


class NewVersionPage(StaffPage, View):
    """A new draft of a contract."""

    verb = write_verb = "contracts.edit"

    def get(self, request, code):
        """Show the empty form."""
        return self._shown(request, contract_of(code), VersionForm())

    def post(self, request, code):
        """Write the draft, or show what is wrong at its field."""
        contract, form = contract_of(code), VersionForm(request.POST)
        if form.is_valid():
            try:
                version = new_version(
                    contract, actor=actor_of(request), now=now(), **form.cleaned_data
                )
            except DomainError as fault:
                refused(form, fault)
            else:
                return redirect(sheet_address(version))
        return self._shown(request, contract, form, **FAULTS)

    @staticmethod
    def _shown(request, contract, form, **more):
        context = {
            "contract": contract,
            "form": form,
            "title": "New version",
            "intro": "It starts as a draft: nothing is priced by it before it is activated.",
            "button": "Write the draft",
        }
        return render(request, "contracts/form.html", context, **more)


class TermPage(StaffPage, View):
    """A new term of a draft, or one of its terms."""

    verb = write_verb = "contracts.edit"

    def get(self, request, code, number, pk=None):
        """Show the form of the charge type."""
        version, term = _found(code, number, pk)
        return self._shown(request, version, term, self._form(request, version, term))

    def post(self, request, code, number, pk=None):
        """Say the sentence while it is typed; else save, or take the term out."""
        version, term = _found(code, number, pk)
        form = self._form(request, version, term, request.POST)
        if request.headers.get("HX-Request"):
            return render(request, "contracts/term_said.html", said(form, version, term))
        if term is not None and request.POST.get("action") == "remove":
            done = attempt(request, lambda: remove_term(term, actor=actor_of(request)))
            return redirect(sheet_address(version) if done else request.path)
        if form.is_valid():
            try:
                self._save(request, version, term, form)
            except DomainError as fault:
                refused(form, fault)
            else:
                return redirect(sheet_address(version))
        return self._shown(request, version, term, form, **FAULTS)

    @staticmethod
    def _form(request: HttpRequest, version: ContractVersion, term: Term | None, data=None):
        asked = request.GET.get("kind", "")
        known = list(charge_types.keys())
        key = term.charge_type if term else asked if asked in known else known[0]
        return workspace_form(key)(data, instance=term or Term(version=version), version=version)

    @staticmethod
    def _save(request: HttpRequest, version: ContractVersion, term: Term | None, form) -> None:
        given = {k: v for k, v in form.cleaned_data.items() if not k.startswith(PREFIX)}
        fields: dict[str, Any] = {**given, "parameters": form.instance.parameters}
        if term is None:
            saved = add_term(version, charge_type_key=form.key, actor=actor_of(request), **fields)
        else:
            saved = change_term(Term.objects.get(pk=term.pk), actor=actor_of(request), **fields)
        deed = "written" if term is None else "changed"
        messages.success(request, f"Line {saved.line_code} is {deed}.", extra_tags="good")
        others = [priced_term(one) for one in version.terms.exclude(pk=saved.pk)]
        for code in absent_lines(priced_term(saved), others):
            text = f"Line {saved.line_code} rests on line {code}, which {version} does not have yet"
            messages.warning(request, f"{text}; write it before you activate.", extra_tags="warn")
        for text in shares_apart(_shares(version)):
            messages.warning(request, text, extra_tags="warn")

    @staticmethod
    def _shown(request, version, term, form, **more) -> HttpResponse:
        kinds = [(key, kind.title) for key, kind in charge_types.items()]
        context = {
            "version": version,
            "contract": version.contract,
            "term": term,
            "form": form,
            "kinds": sorted(kinds, key=lambda one: one[1]),
            "kind": charge_type(form.key),
            "key": form.key,
            **said(form, version, term),
        }
        return render(request, "contracts/term.html", context, **more)


def said(form, version: ContractVersion, term: Term | None) -> dict[str, Any]:
    """Return the sentence of what is typed and what it reads, or what keeps it from being read."""
    shown = term
    if form.is_bound:
        form.is_valid()
        wrong = [name for name in form.errors if name.startswith(PREFIX)]
        shown = form.instance if not wrong and form.instance.parameters else None
    if shown is None:
        faults = [
            (form[name].label, error)
            for name, errors in (form.errors.items() if form.is_bound else ())
            if name.startswith(PREFIX)
            for error in errors
        ]
        return {"sentence": "", "faults": faults, "reads": ()}
    row = Term(
        pk=shown.pk or 0,
        version=version,
        line_code=form.cleaned_data.get("line_code") or 0 if form.is_bound else shown.line_code,
        label=shown.label,
        charge_type=form.key,
        quantity_name=(
            form.cleaned_data.get("quantity_name") if form.is_bound else shown.quantity_name
        )
        or "delivered",
        parameters=shown.parameters,
    )
    return {"sentence": sentences([row])[row.pk], "faults": [], "reads": reads_of(row)}


def _shares(version: ContractVersion) -> Iterator[tuple[int, str, Any]]:
    """Yield line, quantity and parameters of every term."""
    for term in version.terms.all():
        yield (
            term.line_code,
            term.quantity_name,
            charge_type(term.charge_type).parse(term.parameters),
        )


def _found(code: str, number: int, pk: int | None) -> tuple[ContractVersion, Term | None]:
    version = version_of(code, number)
    if pk is None:
        return version, None
    return version, get_object_or_404(
        Term.objects.select_related("version"), pk=pk, version=version
    )
