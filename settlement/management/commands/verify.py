"""`manage.py verify NAME`: compute it again from what it pinned and compare every byte."""

from __future__ import annotations

from typing import Any

from settlement.management.kit import DomainCommand
from settlement.services.verification import verify_named


class Command(DomainCommand):
    """Verify runs and invoices."""

    help = (
        "Verify a run (number or CONTRACT/2026-03/v1) or an invoice number; exit 1 if it differs."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("name", nargs="+")

    def work(self, *, name: list[str], **_options: Any) -> tuple[Any, str, bool]:
        """Verify each and say what differs."""
        reports = [verify_named(one) for one in name]
        words = []
        for report in reports:
            compared = ", ".join(f"{count} {what}" for what, count in report.compared.items())
            words.append(f"{report.subject}: {'proved' if report.ok else 'DIFFERS'} ({compared})")
            words += [f"  {difference}" for difference in report.differences]
        return (
            [report.to_json() for report in reports],
            "\n".join(words),
            all(report.ok for report in reports),
        )
