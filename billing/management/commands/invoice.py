"""`manage.py invoice --contract CODE --period 2026-03 --issue --as USER`: draft and issue."""

import json

from django.core.management.base import BaseCommand

from billing.models import Invoice
from billing.services import draft_invoice, issue_checks, issue_invoice
from contracts.models import Contract
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError
from settlement.models import SettlementRun


class Command(BaseCommand):
    """Draft the invoices of approved runs, and issue them with --issue; harmless when run again."""

    help = "Draft (and with --issue, issue) invoices. Exit code 1 with findings when refused."

    def add_arguments(self, parser):
        """Declare the arguments."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--contract")
        whose.add_argument("--campus", help="all contracts of the campus")
        parser.add_argument("--period", required=True, help="local month, 2026-03")
        parser.add_argument("--issue", action="store_true")
        parser.add_argument("--as", dest="user", help="user name of whoever issues")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, period, issue, as_json, **options):
        """Work contract by contract; one refusal does not stop the others."""
        try:
            actor = _actor(options["user"])
            runs = _runs(options["contract"], options["campus"], period)
        except DomainError as fault:
            self._refuse(fault, as_json)
            raise SystemExit(1) from fault
        results = [_work(run, issue=issue, actor=actor) for run in runs]
        if as_json:
            self.stdout.write(json.dumps(results, default=str))
        else:
            for result in results:
                (self.stderr if "refused" in result else self.stdout).write(_sentence(result))
        if any("refused" in result for result in results):
            raise SystemExit(1)

    def _refuse(self, fault: DomainError, as_json: bool) -> None:
        said = {"refused": fault.message, "code": fault.code}
        self.stderr.write(json.dumps(said) if as_json else f"refused: {fault.message}")


def _actor(username: str | None) -> Actor:
    if username is None:
        return Actor.system("invoice")
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFoundError("billing.user", f"There is no active user {username}.")
    return Actor.of_user(user)


def _runs(contract: str | None, campus: str | None, period: str) -> list[SettlementRun]:
    contracts = (
        Contract.objects.filter(code=contract)
        if contract
        else Contract.objects.filter(campus__code=campus)
    )
    if not contracts.exists():
        raise NotFoundError(
            "billing.contract", f"There is no contract {contract or f'on {campus}'}."
        )
    runs = list(
        SettlementRun.objects.filter(
            contract__in=contracts, period=period, state__in=SettlementRun.SETTLED
        )
        .select_related("contract")
        .order_by("contract__code")
    )
    if not runs:
        raise NotFoundError(
            "billing.no_run",
            f"No approved run of {contract or campus} for {period}; approve first.",
        )
    return runs


def _work(run: SettlementRun, *, issue: bool, actor: Actor) -> dict:
    said = {"contract": run.contract.code, "period": run.period}
    try:
        invoice = draft_invoice(run, actor=actor, now=now())
        said["checks"] = []
        if invoice.state == Invoice.State.DRAFT:
            said["checks"] = [finding.to_json() for finding in issue_checks(invoice)]
            if issue:
                invoice = issue_invoice(invoice, actor=actor, now=now())
    except DomainError as fault:
        return said | {
            "refused": fault.message,
            "code": fault.code,
            "findings": [finding.to_json() for finding in fault.findings],
        }
    return said | {
        "id": invoice.pk,
        "number": invoice.number,
        "state": invoice.state,
        "total": format(invoice.total_usd, "f"),
        "currency": invoice.currency,
        "due_date": invoice.due_date,
        "content_sha256": invoice.content_sha256,
        "pdf": invoice.pdf,
        "pdf_sha256": invoice.pdf_sha256,
    }


def _sentence(said: dict) -> str:
    if "refused" in said:
        return f"{said['contract']} {said['period']}: refused: {said['refused']}"
    notes = "".join(f"\n  {one['severity'].lower()}: {one['message']}" for one in said["checks"])
    name = said["number"] or "draft"
    return (
        f"{said['contract']} {said['period']}: {name}, {said['state'].lower()}, "
        f"{said['total']} {said['currency']}{notes}"
    )
