"""`manage.py quality_report`: the quality of a campus month as PDF, CSV or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.models import Campus
from meters.pages.findings import titles
from meters.queries.quality import quality_report
from meters.reports.files import PAPERS, name_of, quality_csv, quality_json, quality_pdf
from meters.reports.quality import summary
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError
from poweroptix.pages.asked import read_month


class Command(BaseCommand):
    """Write the report; exit 0 done, 1 refused, 2 wrong usage."""

    help = (
        "Quality report of a campus and local month: quality_report CAPROCK 2026-10 --pdf --csv "
        "--folder reports. Without a form the main figures are printed. Exit code 0: done; 1: "
        "refused; 2: wrong usage."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("campus", help="code of the campus")
        parser.add_argument("month", help="local month, 2026-10")
        parser.add_argument("--pdf", action="store_true", help="write a PDF")
        parser.add_argument("--csv", action="store_true", help="write a CSV file")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")
        parser.add_argument("--paper", choices=PAPERS, default=PAPERS[0])
        parser.add_argument("--folder", default=".", help="where files go (default: here)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the report and say where it is."""
        try:
            campus = Campus.objects.filter(code=options["campus"]).first()
            if campus is None:
                raise NotFoundError("campus.unknown", f"There is no campus {options['campus']}.")
            period = read_month(options["month"], campus.zone)
            report = quality_report(campus, period, now=now(), titles=titles())
            files = {}
            if options["pdf"]:
                files["pdf"] = quality_pdf(report, options["paper"])
            if options["csv"]:
                files["csv"] = quality_csv(report)
        except DomainError as fault:
            self.stderr.write(f"refused: {fault.message}")
            raise SystemExit(1) from fault
        if options["as_json"]:
            self.stdout.write(quality_json(report).decode())
        for ending, content in files.items():
            path = Path(options["folder"]) / f"{name_of(report)}.{ending}"
            try:
                path.write_bytes(content)
            except OSError as fault:
                raise CommandError(f"{path} cannot be written: {fault}", returncode=2) from fault
            (self.stderr if options["as_json"] else self.stdout).write(
                f"{path}: {len(content):,} bytes."
            )
        if not files and not options["as_json"]:
            for name, value, of in summary(report):
                self.stdout.write(f"{name}: {value} ({of})")
