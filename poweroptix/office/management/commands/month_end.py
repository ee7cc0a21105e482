"""`manage.py month_end --campus CODE --period 2026-03`: bring a month as far as it can go."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.models import Campus
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError
from poweroptix.office.services import MonthEnd, close_month


class Command(BaseCommand):
    """Validate, allocate, account carbon, settle; approve and issue only as named people."""

    help = (
        "Bring a campus month as far as it can go and say what waits for whom. Exit code 1 with "
        "findings when something is in the way (waiting for a signature is no fault), 2 on wrong "
        "usage."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--campus", required=True)
        parser.add_argument("--period", required=True, help="local month, 2026-03")
        parser.add_argument("--as", dest="user", help="user name of whoever calculates")
        parser.add_argument("--approve-as", help="approve ready runs as this user")
        parser.add_argument("--issue-as", help="issue the invoices of approved runs as this user")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, campus, period, user, approve_as, issue_as, as_json, **_options):
        """Do it and print where every contract stands."""
        try:
            report = close_month(
                _campus(campus),
                period,
                now=now(),
                actor=_person(user) or Actor.system("month_end"),
                approver=_person(approve_as),
                issuer=_person(issue_as),
            )
        except DomainError as fault:
            if fault.code == "period.month":
                raise CommandError(fault.message, returncode=2) from fault
            self._refuse(fault, as_json)
            raise SystemExit(1) from fault
        self.stdout.write(json.dumps(report.to_json(), default=str) if as_json else words(report))
        if report.refused:
            raise SystemExit(1)

    def _refuse(self, fault: DomainError, as_json: bool) -> None:
        said = {
            "refused": fault.message,
            "code": fault.code,
            "findings": [finding.to_json() for finding in fault.findings],
        }
        self.stderr.write(json.dumps(said, default=str) if as_json else f"refused: {fault.message}")


def words(report: MonthEnd) -> str:
    """Return the report as a person reads it."""
    rows = [f"{report.campus} {report.period}"]
    for one in report.contracts:
        total = one.total or "no total"
        name = f", {one.invoice}" if one.invoice else ""
        waits = f", waits for {one.waits_for}" if one.waits_for else ""
        rows.append(f"  {one.contract}: {one.state}, {total}{name}{waits}")
    for finding in report.findings:
        where = f"{finding.where}: " if finding.where else ""
        fix = f" {finding.fix}" if finding.fix else ""
        rows.append(f"  {finding.severity.lower()}: {where}{finding.message}{fix}")
    return "\n".join(rows)


def _campus(code: str) -> Campus:
    campus = Campus.objects.filter(code=code).first()
    if campus is None:
        raise NotFoundError("month_end.campus", f"There is no campus {code}.")
    return campus


def _person(name: str | None) -> Any:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise NotFoundError("month_end.user", f"There is no active user {name}.")
    return Actor.of_user(user)
