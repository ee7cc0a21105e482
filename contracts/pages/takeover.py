"""What a running contract brings along, what it must not forget, and how it ends."""

from collections.abc import Callable
from typing import Any

import yaml
from django.contrib import messages
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.calc.openings import amount_of
from contracts.forms.workspace import (
    DiaryForm,
    DocumentForm,
    OpeningForm,
    SecurityForm,
    TerminationForm,
    refused,
)
from contracts.models import Contract, ContractDocument, CreditSupport, DiaryEntry, OpeningBalance
from contracts.pages.workspace import contract_of, today_of
from contracts.services import (
    add_credit_support,
    add_diary_entry,
    approve_opening_balance,
    attach_document,
    document_bytes,
    finish_diary_entry,
    release_credit_support,
    set_opening_balance,
    terminate_contract,
)
from contracts.services.document import contract_document
from contracts.services.takeover import held, sum_usd
from contracts.services.workspace import due_entries
from poweroptix.accounts.permissions import may, require
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_pk
from poweroptix.pages.downloads import attachment
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, ListPage

FORMS = {
    "opening": OpeningForm,
    "diary": DiaryForm,
    "security": SecurityForm,
    "document": DocumentForm,
    "end": TerminationForm,
}
#: What is said once it is written, and where on the page it then stands.
SAID = {
    "opening": ("The opening balance waits for a second person.", "openings"),
    "diary": ("The date is in the diary.", "diary"),
    "security": ("The credit support is written down.", "security"),
    "document": ("The document is attached.", "documents"),
    "end": ("The contract ends.", "final"),
}


class TakeOverPage(StaffPage, View):
    """Opening balances, diary, credit support, documents, and the last day of a contract."""

    verb = "contracts.view"

    def get(self, request, code):
        """Show what there is and the forms for more."""
        return self._shown(request, contract_of(code), {})

    def post(self, request, code):
        """Write what a form says, or decide about a row."""
        contract, action = contract_of(code), request.POST.get("action", "")
        if action in FORMS:
            return self._written(request, contract, action)
        deeds = {
            "approve": self._approve,
            "done": self._done,
            "release": self._release,
        }
        if action not in deeds:
            raise Http404
        part = {"approve": "openings", "done": "diary", "release": "security"}[action]
        attempt(request, deeds[action](request, contract))
        return redirect(f"{reverse('office-take-over', args=[code])}#{part}")

    def _written(self, request: HttpRequest, contract: Contract, action: str):
        form = FORMS[action](request.POST, request.FILES or None)
        if form.is_valid():
            try:
                save(action, contract, form, request)
            except DomainError as fault:
                refused(form, fault)
            else:
                text, part = SAID[action]
                messages.success(request, text, extra_tags="good")
                address = reverse("office-take-over", args=[contract.code])
                return redirect(f"{address}#{part}")
        return self._shown(request, contract, {action: form}, status=400)

    @staticmethod
    def _approve(request: HttpRequest, contract: Contract) -> Callable[[], str]:
        row = _own(OpeningBalance, contract, request)

        def act() -> str:
            approve_opening_balance(row, actor=actor_of(request), now=now())
            return f"The opening balance of {row.period} counts."

        return act

    @staticmethod
    def _done(request: HttpRequest, contract: Contract) -> Callable[[], str]:
        row = _own(DiaryEntry, contract, request)

        def act() -> str:
            outcome = request.POST.get("outcome", "")[:400]
            finish_diary_entry(row, outcome=outcome, actor=actor_of(request), now=now())
            return "It is off the diary."

        return act

    @staticmethod
    def _release(request: HttpRequest, contract: Contract) -> Callable[[], str]:
        row = _own(CreditSupport, contract, request)

        def act() -> str:
            release_credit_support(
                row,
                released_on=today_of(contract),
                note=request.POST.get("note", "")[:400],
                actor=actor_of(request),
                now=now(),
            )
            return "The credit support is released."

        return act

    @staticmethod
    def _shown(request: HttpRequest, contract: Contract, bound: dict[str, Any], **more):
        day = today_of(contract)
        forms = {name: bound.get(name) or form() for name, form in FORMS.items()}
        context = {
            "contract": contract,
            "today": day,
            "forms": forms,
            "bound": bound,
            "openings": list(contract.openings.all()),
            "diary": list(contract.diary.all()),
            "securities": list(contract.securities.all()),
            "documents": list(contract.documents.all()),
            "final": final_account(contract),
            "may_edit": may(request.user, "contracts.edit"),
            "may_activate": may(request.user, "contracts.activate"),
            "me": str(actor_of(request)),
        }
        return render(request, "contracts/take_over.html", context, **more)


def save(action: str, contract: Contract, form: Any, request: HttpRequest) -> None:
    """Hand a valid form to its service."""
    given, by = form.cleaned_data, {"actor": actor_of(request), "now": now()}
    if action == "opening":
        names = ("period", "carry", "open_items", "reason")
        set_opening_balance(contract, **{name: given[name] for name in names}, **by)
    elif action == "diary":
        add_diary_entry(contract, **given, **by)
    elif action == "security":
        add_credit_support(contract, **given, **by)
    elif action == "document":
        require(by["actor"], "contracts.edit")
        file = given["file"]
        attach_document(contract, kind=given["kind"], name=file.name, content=file.read(), **by)
    else:
        terminate_contract(contract, **given, **by)


def final_account(contract: Contract) -> dict[str, Any] | None:
    """Return what the end of a contract leaves: its last part month, security and open items."""
    if contract.last_day is None:
        return None
    period = Period.month(contract.zone, f"{contract.last_day:%Y-%m}")
    version = contract.versions.filter(state="ACTIVE", valid__contains=contract.last_day).first()
    first = max(period.first_date, version.valid.lower) if version else period.first_date
    securities = held(contract)
    items = [item for one in contract.openings.all() for item in one.open_items]
    return {
        "period": period.label,
        "first": first,
        "days": (contract.last_day - first).days + 1,
        "month_days": len(period.days()),
        "held": securities,
        "held_usd": sum_usd(securities),
        "items": items,
        "items_usd": sum(amount for item in items if (amount := amount_of(item)) is not None),
    }


class ContractYaml(StaffPage, View):
    """The contract as a document that `apply` reads back."""

    verb = "contracts.view"

    def get(self, request, code):
        """Return the document as a download."""
        document = contract_document(contract_of(code))
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        return attachment(text.encode(), f"{code}.yaml", "application/yaml")


class DocumentFile(StaffPage, View):
    """The bytes of a paper, proved by their digest."""

    verb = "contracts.view"

    def get(self, request, code, pk):
        """Return the file as a download."""
        document = get_object_or_404(ContractDocument, pk=pk, contract__code=code)
        return attachment(document_bytes(document), document.name, document.content_type)


def _link(entry: DiaryEntry) -> str:
    return f"{reverse('office-take-over', args=[entry.contract.code])}#diary"


class DiaryPage(StaffPage, ListPage):
    """Dates of all contracts that want attention now."""

    verb = "contracts.view"
    title = "Diary"
    intro = "Dates of contracts that are near, from as many days before as each entry says."
    name = "diary"
    search = ("title", "contract__code", "contract__name")
    default_sort = "due_date"
    columns = (
        Column("due_date", "By", sort="due_date"),
        Column("contract__code", "Contract", sort="contract__code", link=_link),
        Column("title", "What has to be done", link=_link),
        Column("kind", "Kind", sort="kind", value=lambda one: one.get_kind_display()),
        Column("recorded_by", "Written by", kind="person"),
    )
    empty_title = "Nothing is near"
    empty_text = "Dates are entered on the take-over page of a contract."

    def rows(self):
        """Return what is due or near, the most urgent first."""
        return due_entries(now().date())


def _own(model: type, contract: Contract, request: HttpRequest):
    return get_object_or_404(model, pk=read_pk(request.POST.get("pk")), contract=contract)
