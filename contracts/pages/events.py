"""Events of one contract: what stands, what was corrected, and how one is entered."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from contracts.events import event_kind, event_kinds
from contracts.models import Contract, ContractEvent
from contracts.pages.event_forms import event_form, initial_of
from contracts.services import (
    record_event,
    record_event_file,
    record_system_peak,
    withdraw_event,
)
from contracts.services.events import names_read
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.words import counted
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt

MOST_BYTES = 1_000_000
SHOWN = 200


class EventPage(StaffPage, View):
    """The events of a contract; the newest first."""

    verb = "contracts.view"
    write_verb = "contracts.edit"

    def get(self, request, code):
        """Show the events, and the form of the kind that was asked for."""
        contract = _contract(code)
        corrected = _corrected(contract, request.GET.get("replaces"))
        key = corrected.kind if corrected else _kind(request.GET.get("kind"))
        initial = initial_of(corrected) if corrected else None
        form = event_form(key)(zone=contract.zone, initial=initial)
        return self._page(request, contract, form, corrected)

    def post(self, request, code):
        """Enter, correct or withdraw an event, or take a file of them."""
        contract, deed = _contract(code), request.POST.get("action")
        if deed == "withdraw":
            event = get_object_or_404(contract.events, pk=read_pk(request.POST.get("event")))
            attempt(request, lambda: _withdraw(request, event))
        elif deed == "file":
            attempt(request, lambda: _file(request, contract))
        else:
            return self._enter(request, contract)
        return redirect("office-events", code=code)

    def _enter(self, request, contract):
        corrected = _corrected(contract, request.POST.get("replaces"))
        key = corrected.kind if corrected else _kind(request.POST.get("kind"))
        form = event_form(key)(request.POST, zone=contract.zone)
        if form.is_valid():
            try:
                _record(request, contract, form, corrected)
                return redirect("office-events", code=contract.code)
            except DomainError as fault:
                form.add_error(None, fault.message)
        return self._page(request, contract, form, corrected, status=400)

    @staticmethod
    def _page(request, contract, form, corrected, status=200):
        rows = contract.events.filter(withdrawn=False).select_related("replaced_by")
        rows = rows.order_by("-start_utc", "-pk")
        context = {
            "contract": contract,
            "events": [_row(one) for one in rows[:SHOWN]],
            "more": max(rows.count() - SHOWN, 0),
            "form": form,
            "names": names_read(contract, form.key),
            "corrected": corrected,
            "kinds": event_kinds.choices(),
            "may_edit": may(request.user, "contracts.edit"),
        }
        return render(request, "contracts/events.html", context, status=status)


def _contract(code: str) -> Contract:
    return get_object_or_404(Contract, code=code)


def _kind(asked: str | None) -> str:
    known = event_kinds.keys()
    return asked if asked in known else known[0]


def _corrected(contract: Contract, asked: str | None) -> ContractEvent | None:
    return get_object_or_404(contract.events, pk=read_pk(asked)) if asked else None


def _record(request, contract: Contract, form, corrected: ContractEvent | None) -> None:
    """Write the event down, for this contract or for every one that reads it."""
    deed = form.deed() | {"replaces": corrected, "actor": actor_of(request), "now": now()}
    if not form.cleaned_data.get("everywhere"):
        record_event(contract, **deed)
        return
    del deed["kind"]
    found = record_system_peak(**deed)
    text = f"The peak was entered for {counted(len(found), 'contract')} that read this system."
    messages.success(request, text)


def _withdraw(request, event: ContractEvent) -> str:
    reason = request.POST.get("reason", "")
    withdraw_event(event, reason=reason, actor=actor_of(request), now=now())
    return "The event does not count any more; it stays in the list with the reason."


def _file(request, contract: Contract) -> str:
    file = request.FILES.get("file")
    if file is None or file.size > MOST_BYTES:
        raise Refused("contracts.event_file", "Choose a CSV file of at most 1 MB.")
    found = record_event_file(contract, file.read(), actor=actor_of(request), now=now())
    return f"{counted(len(found), 'new event')}; what stood already was passed over."


def _row(event: ContractEvent) -> dict:
    """Return an event in words, with what became of it."""
    kind = event_kind(event.kind)
    replaced = getattr(event, "replaced_by", None)
    withdrawal = replaced if replaced is not None and replaced.withdrawn else None
    state = "stands"
    if replaced is not None:
        state = "withdrawn" if withdrawal else "corrected"
    return {
        "event": event,
        "title": kind.title,
        "lasts": kind.lasts,
        "sentence": kind.sentence(kind.parse(event.values)),
        "state": state,
        "stands": replaced is None,
        "withdrawal": withdrawal,
    }
