"""Bring a campus month as far as it can go: readings, allocation, carbon, runs, then invoices.

Nothing here decides: what needs a person is named together with the role that may do it. Each step
is a service that does nothing when its work is done, so the whole can be repeated at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from billing.models import Invoice
from billing.services import draft_invoice, issue_invoice
from contracts.models import Contract
from contracts.queries import contracts_of_campus
from esg.models import CarbonPolicy
from esg.services import account_carbon, load_factors
from meters.models import Campus, Channel, FileState, ImportFile
from meters.queries import completeness
from meters.queries.quarantine import days_in_words, waiting_in
from meters.services import validate_days
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.period import Period
from poweroptix.kernel.words import counted
from poweroptix.pages.templatetags.po import moment_text
from settlement.calc.gate import HELD_SHOWN
from settlement.models import AllocationRun, SettlementRun
from settlement.services import approve_together, calculate, readiness, run_allocation, submit_run

Result = TypeVar("Result")
#: States of a contract's month that wait for nobody.
FINISHED = "issued"


@dataclass
class ContractMonth:
    """Where one contract's month stands and who has to act next (a role, or nobody)."""

    contract: str
    state: str
    run: int | None = None
    version: int | None = None
    total: str | None = None
    invoice: str = ""
    waits_for: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return dict(vars(self))


@dataclass
class MonthEnd:
    """What was done, where every contract stands, and what is in the way."""

    campus: str
    period: str
    steps: dict[str, Any] = field(default_factory=dict)
    contracts: list[ContractMonth] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether something stands in the way that waiting for a signature does not explain."""
        return any(finding.severity is Severity.BLOCK for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for `--json`."""
        return {
            "campus": self.campus,
            "period": self.period,
            "refused": self.refused,
            "steps": self.steps,
            "contracts": [one.to_json() for one in self.contracts],
            "findings": [finding.to_json() for finding in self.findings],
        }

    def attempt(self, where: str, work: Callable[[], Result]) -> Result | None:
        """Do something; a refusal becomes findings and the month goes on without it."""
        try:
            return work()
        except DomainError as fault:
            self.findings.append(Finding(fault.code, fault.message, Severity.BLOCK, where=where))
            self.findings += fault.findings
            return None


def close_month(
    campus: Campus,
    label: str,
    *,
    now: datetime,
    actor: Actor,
    approver: Actor | None = None,
    issuer: Actor | None = None,
) -> MonthEnd:
    """Validate, allocate, account carbon and settle; approve and issue only as named people.

    Runs that are ready are submitted for review. Raises Refused when the month is not over or no
    contract holds in it; whatever else is in the way is in the findings.
    """
    period = Period.month(campus.zone, label)
    if now < period.end_utc:
        raise Refused(
            "month_end.not_over",
            f"{label} of {campus.code} is not over; it ends "
            f"{moment_text(period.end_utc, campus.zone)}.",
        )
    contracts = list(contracts_of_campus(campus, period))
    if not contracts:
        raise Refused(
            "month_end.no_contract", f"No contract of {campus.code} is in force in {label}."
        )
    report = MonthEnd(campus.code, label)
    report.findings += _files_waiting(period)
    _readings(report, campus, period, now, actor)
    allocation = report.attempt(
        "allocation", lambda: run_allocation(campus, period, now=now, actor=actor)
    )
    if allocation is None:
        return report
    report.steps["allocation"] = {"run": allocation.pk, "version": allocation.version}
    accounted = _carbon(report, campus, period, allocation, now, actor)
    settled = [
        (contract, _settle(report, contract, period, allocation, now, actor))
        for contract in contracts
    ]
    report.contracts += [month for _contract, month in settled if month is not None]
    for contract, month in settled:  # all are calculated: a new split is approved together
        if month is not None and accounted:
            _decide(report, month, contract, now, approver, issuer)
    return report


def _files_waiting(period: Period) -> list[Finding]:
    """Say what arrived and has not become readings; files know no campus until they are read."""
    unread = ImportFile.objects.filter(state__in=[FileState.RECEIVED, FileState.READING]).count()
    held = [
        f"{one.channel_text or 'no name'} ({days_in_words(one, period.zone)})"
        for one in waiting_in(period.start_utc, period.end_utc)
    ]
    findings = []
    if unread:
        text = f"{unread} files are received but not read yet."
        fix = "Let the worker finish, or run manage.py ingest again."
        findings.append(Finding("month_end.files_unread", text, Severity.WARN, fix=fix))
    if held:
        names = list(dict.fromkeys(held))
        shown = "; ".join(names[:HELD_SHOWN])
        more = f"; and {len(names) - HELD_SHOWN} more" if len(names) > HELD_SHOWN else ""
        waits = "waits" if len(held) == 1 else "wait"
        text = f"{counted(len(held), 'record')} {waits} in quarantine: {shown}{more}."
        fix = "Map them to a channel and replay, or dismiss them."
        findings.append(Finding("month_end.quarantine", text, Severity.WARN, fix=fix))
    return findings


def _readings(
    report: MonthEnd, campus: Campus, period: Period, now: datetime, actor: Actor
) -> None:
    """Validate and estimate the month, and name channels of which nothing arrived for days."""
    channels = Channel.objects.filter(delivery_point__campus=campus, is_active=True)
    ids = list(channels.values_list("pk", flat=True))
    if not ids:
        return
    first, last = period.first_date, period.last_date
    summary = report.attempt(
        "vee", lambda: validate_days(ids, first, last, now=now, actor=actor, reason="Month end")
    )
    report.steps["vee"] = summary.to_json() if summary else None
    fix = "Look at it before the new run is approved."
    report.findings += [
        Finding("month_end.corrects", said, Severity.WARN, fix=fix)
        for said in (summary.corrections if summary else ())
    ]
    report.findings += _absent(ids, first, last)


def _absent(ids: list[int], first: date, last: date) -> list[Finding]:
    findings = []
    for row in completeness(ids, first, last).rows:
        empty = sum(1 for day in row.days if day.expected and not day.received)
        if empty:
            text = f"{row.channel.code}: nothing arrived for {empty} of {len(row.days)} days."
            fix = "Ask the source for the file."
            findings.append(Finding("month_end.days_absent", text, Severity.WARN, fix=fix))
    return findings


def _carbon(
    report: MonthEnd,
    campus: Campus,
    period: Period,
    allocation: AllocationRun,
    now: datetime,
    actor: Actor,
) -> bool:
    """Account the month's carbon; a campus without a policy is settled without it, and says so."""
    policies = CarbonPolicy.objects.filter(campus=campus, effective_from__lte=period.last_date)
    if not policies.exists():
        text = f"{campus.code} has no carbon policy; the invoices show no carbon."
        fix = "Add carbon_policies to the portfolio, or use account_carbon --grid-region."
        report.findings.append(Finding("month_end.no_carbon", text, Severity.WARN, fix=fix))
        return True

    def work() -> Any:
        load_factors(now=now, actor=actor)
        return account_carbon(allocation, now=now, actor=actor)

    run = report.attempt("carbon", work)
    if run is None:
        return False
    report.steps["carbon"] = {"run": run.pk, "co2e_kg": format(run.co2e_kg, "f")}
    return True


def _settle(
    report: MonthEnd,
    contract: Contract,
    period: Period,
    allocation: AllocationRun,
    now: datetime,
    actor: Actor,
) -> ContractMonth | None:
    """Calculate one contract's month; hand it to the reviewers when nothing is in the way."""

    def work() -> SettlementRun:
        [run] = calculate([contract], period, allocation, kind="FINAL", now=now, actor=actor)
        return run

    run = report.attempt(contract.code, work)
    if run is None:
        return None
    month = ContractMonth(
        contract.code,
        run.state.lower(),
        run.pk,
        run.version,
        None if run.total_usd is None else format(run.total_usd, "f"),
    )
    if not run.is_open:
        return month
    judged = readiness(contract, period, now=now)
    report.findings += [
        _placed(one, contract.code) for one in judged if one.severity is Severity.WARN
    ]
    blocking = [one for one in judged if one.severity is Severity.BLOCK]
    if blocking or run.total_usd is None:
        report.findings += [_placed(one, contract.code) for one in blocking]
        month.waits_for = "operator"
        return month
    if run.state == SettlementRun.State.CALCULATED:
        submit_run(run, actor=actor, now=now)
    month.state, month.waits_for = "review", "approver"
    return month


def _placed(finding: Finding, where: str) -> Finding:
    """Return a finding that says which contract it stops."""
    return Finding(
        finding.code,
        finding.message,
        finding.severity,
        where=where,
        metric=finding.metric,
        threshold=finding.threshold,
        start_utc=finding.start_utc,
        end_utc=finding.end_utc,
        data=finding.data,
        fix=finding.fix,
    )


def _decide(
    report: MonthEnd,
    month: ContractMonth,
    contract: Contract,
    now: datetime,
    approver: Actor | None,
    issuer: Actor | None,
) -> None:
    """Approve and issue as the people who were named, as far as each of them may."""
    if month.waits_for == "operator":
        return
    run = SettlementRun.objects.get(pk=month.run)
    if run.is_open and approver is not None:
        comment = f"Month end {run.period}"
        approved = report.attempt(
            contract.code, lambda: approve_together(run, actor=approver, now=now, comment=comment)
        )
        run = approved[0] if approved else run
    if not run.is_settled:
        return
    month.state, month.waits_for = run.state.lower(), "billing"
    billed = Invoice.objects.filter(
        contract=contract, period=run.period, state=Invoice.State.ISSUED
    ).first()
    if billed is not None:
        month.state, month.invoice, month.waits_for = FINISHED, billed.number, ""
        if billed.run_id != run.pk:
            text = f"{billed.number} is issued; what this run changes goes with the next period."
            report.findings.append(
                Finding("month_end.billed", text, Severity.INFO, where=contract.code)
            )
        return
    if issuer is not None:
        _issue(report, month, run, issuer, now)


def _issue(
    report: MonthEnd, month: ContractMonth, run: SettlementRun, issuer: Actor, now: datetime
) -> None:
    def work() -> Invoice:
        draft = draft_invoice(run, actor=issuer, now=now)
        return issue_invoice(draft, actor=issuer, now=now)

    invoice = report.attempt(month.contract, work)
    if invoice is not None:
        month.state, month.invoice, month.waits_for = FINISHED, invoice.number, ""
