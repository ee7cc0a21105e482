"""What the commands of settlement share: exit codes, refusals, people."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.kernel.errors import DomainError, NotFoundError


class DomainCommand(BaseCommand):
    """A command that exits 0 when done, 1 with findings when refused, 2 on wrong usage."""

    def add_arguments(self, parser):
        """Declare what every command understands."""
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *_args, as_json: bool, **options: Any) -> None:
        """Do the work and print its answer; `work` returns (plain data, words, done)."""
        try:
            document, words, done = self.work(**options)
        except DomainError as fault:
            self._refuse(fault, as_json)
            raise SystemExit(1) from fault
        self.stdout.write(json.dumps(document, default=str, indent=1) if as_json else words)
        if not done:
            raise SystemExit(1)

    def work(self, **options: Any) -> tuple[Any, str, bool]:
        """Do the work of the command."""
        raise NotImplementedError

    def _refuse(self, fault: DomainError, as_json: bool) -> None:
        findings = [finding.to_json() for finding in fault.findings]
        if as_json:
            said = {"refused": fault.message, "code": fault.code, "findings": findings}
            self.stderr.write(json.dumps(said, default=str))
            return
        self.stderr.write(f"refused: {fault.message}")
        for finding in findings:
            self.stderr.write(f"  {finding['message']} {finding['fix']}".rstrip())


def actor_named(name: str | None, command: str) -> Actor:
    """Return the person of a user name, or the system under the command's name."""
    if name is None:
        return Actor.system(command)
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise NotFoundError("settlement.user", f"There is no active user {name}.")
    return Actor.of_user(user)
