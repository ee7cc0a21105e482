"""Statements of a counterparty beside our lines: load, compare, dispute, take away."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.models import Contract
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.period import zone_of
from poweroptix.pages.asked import read_pk
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from poweroptix.pages.lists import Column, Filter, ListPage
from settlement.forms import DecisionForm, DisputeForm, StatementForm
from settlement.models import CounterpartyStatement, Dispute
from settlement.services.statements import (
    ANSWER_DAYS,
    VERB,
    Comparison,
    compare_statement,
    decide_dispute,
    load_statement,
    open_dispute,
    resolution_of,
    undisputed_of,
)

ZERO = Decimal("0.00")
HEAD = (
    "line_code", "label", "verdict", "our_quantity", "their_quantity", "unit", "our_usd",
    "their_usd", "difference_usd", "tolerance_usd", "quantity_effect_usd", "price_effect_usd",
    "repriced_usd", "requantified_usd", "cause", "dispute",
)  # fmt: skip


class Statements(StaffPage, View):
    """The statements of a contract, and the form that loads one."""

    verb = "settlement.view"
    write_verb = VERB

    def get(self, request, code):
        """Show what was loaded, the newest first."""
        contract = get_object_or_404(Contract, code=code)
        return self._shown(request, contract, StatementForm(initial=remembered(contract)))

    def post(self, request, code):
        """Load a file, or say what is wrong with which row."""
        contract = get_object_or_404(Contract, code=code)
        form = StatementForm(request.POST, request.FILES)
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                statement = load_statement(
                    contract,
                    form.cleaned_data["period"],
                    name=file.name,
                    content=file.read(),
                    columns=form.columns(),
                    codes=form.cleaned_data["codes"],
                    actor=actor_of(request),
                    now=now(),
                )
            except DomainError as fault:
                form.add_error(None, fault.message)
                for one in fault.findings[1:10]:
                    form.add_error(None, one.message)
            else:
                return redirect("office-statement", pk=statement.pk)
        return self._shown(request, contract, form, status=400)

    @staticmethod
    def _shown(request, contract: Contract, form: StatementForm, **more):
        rows = contract.counterparty_statements.prefetch_related("disputes")[:100]
        context = {
            "contract": contract,
            "form": form,
            "statements": [
                {
                    "statement": one,
                    "total": sum((Decimal(line["amount_usd"]) for line in one.lines), ZERO),
                    "disputes": sum(each.state == "OPEN" for each in one.disputes.all()),
                }
                for one in rows
            ],
            "may_load": may(request.user, VERB),
        }
        return render(request, "settlement/statements.html", context, **more)


def remembered(contract: Contract) -> dict[str, str]:
    """Return the mapping of the newest statement, for the next file of the same sender."""
    last = contract.counterparty_statements.first()
    if last is None:
        return {}
    codes = "\n".join(f"{charge} = {code}" for charge, code in last.mapping["codes"].items())
    columns = {f"column_{part}": name for part, name in last.mapping["columns"].items()}
    return {"codes": codes, **columns}


class StatementPage(StaffPage, View):
    """One statement: every line beside ours, the causes of breaks, and their disputes."""

    verb = "settlement.view"
    write_verb = VERB

    def get(self, request, pk):
        """Show the comparison, or hand it out."""
        statement = _statement(pk)
        found, why = compared(statement)
        form = request.GET.get("export", "")
        if found is not None and form in ("csv", "xlsx"):
            name = f"poweroptix_shadow_{statement.contract.code}_{statement.period}"
            return table_response(form, name, HEAD, rows_of(found))
        return self._shown(request, statement, found, why)

    def post(self, request, pk):
        """Open a dispute on a break, or end one."""
        statement, said = _statement(pk), request.POST
        if said.get("action") == "decide":
            dispute = get_object_or_404(Dispute, pk=read_pk(said.get("pk")), statement=statement)
            form = DecisionForm(said)
            if form.is_valid():
                attempt(
                    request,
                    lambda: _told(
                        decide_dispute(
                            dispute, actor=actor_of(request), now=now(), **form.cleaned_data
                        ),
                        "The dispute is ended.",
                    ),
                )
            else:
                _faults(request, form)
            return redirect("office-statement", pk=pk)
        if said.get("action") != "dispute":
            raise Http404
        form = DisputeForm(said)
        if form.is_valid():
            attempt(request, lambda: self._open(request, statement, form))
        else:
            _faults(request, form)
        return redirect("office-statement", pk=pk)

    @staticmethod
    def _open(request, statement: CounterpartyStatement, form: DisputeForm) -> str:
        given = form.cleaned_data
        row = open_dispute(
            statement,
            read_pk(request.POST.get("line")),
            reason=given["reason"],
            answer_due_date=given["answer_due_date"],
            due_date=given["due_date"],
            interest_ratio=form.interest_ratio(),
            actor=actor_of(request),
            now=now(),
        )
        return f"The dispute about line {row.line_code} is open."

    @staticmethod
    def _shown(request, statement: CounterpartyStatement, found: Comparison | None, why: str):
        day = now().astimezone(zone_of(statement.contract.zone)).date()
        disputes = list(statement.disputes.all())
        theirs = sum((Decimal(line["amount_usd"]) for line in statement.lines), ZERO)
        form = DisputeForm()
        form.starting(day + timedelta(days=ANSWER_DAYS))
        context: dict[str, Any] = {
            "statement": statement,
            "contract": statement.contract,
            "found": found,
            "why": why,
            "lines": [_row(one, found) for one in found.lines] if found else [],
            "theirs_usd": theirs,
            "due": undisputed_of(statement),
            "disputes": [
                {"dispute": one, "resolution": resolution_of(one, _paid(one, day))}
                for one in disputes
            ],
            "form": form,
            "decision": DecisionForm(),
            "may_dispute": may(request.user, VERB),
        }
        return render(request, "settlement/statement.html", context)


def _address(dispute: Dispute) -> str:
    return f"{reverse('office-statement', args=[dispute.statement_id])}#disputes"


class DisputeList(StaffPage, ListPage):
    """All disputes about statements, those that are answered first on top."""

    verb = "settlement.view"
    title = "Disputes"
    intro = "Amounts of statements that we do not accept. The undisputed part stays due."
    name = "disputes"
    search = ("label", "reason", "statement__contract__code", "statement__period")
    default_sort = "answer_due_date"
    columns = (
        Column("answer_due_date", "Answer by", sort="answer_due_date", link=_address),
        Column("statement__contract__code", "Contract", sort="statement__contract__code"),
        Column("statement__period", "Month", sort="statement__period"),
        Column("line_code", "Line", kind="num", places=0, sort="line_code"),
        Column("label", "What", link=_address),
        Column("amount_usd", "Disputed", kind="money", sort="amount_usd"),
        Column("state", "State", kind="state", sort="state"),
        Column("credited_usd", "Credited", kind="money"),
        Column("filed_by", "Filed by", kind="person"),
    )
    filters = (Filter("state", "State", lambda: Dispute.State.choices),)
    empty_title = "No dispute"
    empty_text = "A break of a counterparty's statement is disputed on the page of the statement."

    def rows(self):
        """Return all disputes."""
        return Dispute.objects.select_related("statement__contract").defer("statement__lines")


def compared(statement: CounterpartyStatement) -> tuple[Comparison | None, str]:
    """Return the comparison, or why there is none yet."""
    try:
        return compare_statement(statement), ""
    except DomainError as fault:
        return None, fault.message


def rows_of(found: Comparison) -> list[list[Any]]:
    """Return the comparison as a table."""
    rows = []
    for one in found.lines:
        ours, theirs, cause = one.ours, one.theirs, one.cause
        dispute = found.disputes.get(one.line_code)
        rows.append(
            [
                one.line_code,
                one.label,
                one.verdict.value,
                ours.quantity if ours else None,
                theirs.quantity if theirs else None,
                (ours.unit if ours else "") or (theirs.unit if theirs else ""),
                ours.amount_usd if ours else None,
                theirs.amount_usd if theirs else None,
                one.difference_usd,
                one.tolerance_usd,
                cause.quantity_usd if cause else None,
                cause.price_usd if cause else None,
                cause.repriced_usd if cause else None,
                cause.requantified_usd if cause else None,
                cause.text if cause else "",
                dispute.get_state_display() if dispute else "",
            ]
        )
    return rows


def _row(line, found: Comparison) -> dict[str, Any]:
    return {"line": line, "dispute": found.disputes.get(line.line_code)}


def _paid(dispute: Dispute, day):
    """Return the day up to which interest is counted: that of the decision, else today."""
    if dispute.decided_at is None:
        return day
    return dispute.decided_at.astimezone(zone_of(dispute.statement.contract.zone)).date()


def _statement(pk: int) -> CounterpartyStatement:
    rows = CounterpartyStatement.objects.prefetch_related("disputes").select_related(
        "contract__seller", "contract__offtaker"
    )
    return get_object_or_404(rows, pk=pk)


def _told(_done, text: str) -> str:
    return text


def _faults(request, form) -> None:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        for error in errors:
            messages.error(request, f"{label}: {error}".lstrip(": "), extra_tags="bad")
