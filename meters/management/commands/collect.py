"""`manage.py collect CODE...` or `--due`: look for files at sources, here and now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.models import Source
from meters.services.collecting.sources import collect_due, look_now
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.errors import DomainError


class Command(BaseCommand):
    """Look at sources; exit 0 all went well, 1 some failed or refused, 2 wrong usage."""

    help = (
        "Look for files at sources in this process, and queue the reading of what came. The worker "
        "does the same by itself. Exit code 0: all went well; 1: a source failed or refused a "
        "file; 2: wrong usage."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("codes", nargs="*", metavar="CODE", help="code of a source")
        parser.add_argument("--due", action="store_true", help="all sources whose look is due")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look at each source in turn; one that fails does not stop the others."""
        if bool(options["codes"]) == options["due"]:
            raise CommandError("Name sources, or say --due.", returncode=2)
        moment = now()
        chosen = _due(moment) if options["due"] else _named(options["codes"])
        results = [_look(source, moment, options["due"]) for source in chosen]
        if options["as_json"]:
            self.stdout.write(json.dumps(results, indent=1))
        else:
            for result in results:
                self.stdout.write(_told(result))
            if not results:
                self.stdout.write("No source is due.")
        if any(result["outcome"] != "DONE" or result.get("error") for result in results):
            raise SystemExit(1)


def _due(moment: datetime) -> list[Source]:
    rows = Source.objects.filter(enabled=True, recurring__next_run_at__lte=moment)
    return list(rows.select_related("recurring"))


def _named(codes: list[str]) -> list[Source]:
    rows = {row.code: row for row in Source.objects.filter(code__in=codes)}
    for code in codes:
        if code not in rows:
            raise CommandError(f"There is no source {code}.", returncode=2)
    return [rows[code] for code in codes]


def _look(source: Source, moment: datetime, due: bool) -> dict[str, Any]:
    try:
        asked = (
            collect_due(source)
            if due
            else look_now(source, actor=Actor.system("collect"), now=moment)
        )
    except DomainError as fault:
        return {"source": source.code, "outcome": "REFUSED", "error": fault.message}
    job = run_now(asked)
    if job.state == Job.State.DONE:
        return {"source": source.code, "job": job.pk, **(job.result or {})}
    words = {Job.State.QUEUED: "TRIED_AGAIN", Job.State.RUNNING: "UNDER_WAY"}
    outcome = words.get(Job.State(job.state), "FAILED")
    return {"source": source.code, "job": job.pk, "outcome": outcome, "error": job.error}


def _told(result: dict[str, Any]) -> str:
    mark = "✓" if result["outcome"] == "DONE" and not result.get("error") else "✗"
    counts = ", ".join(
        f"{result[name]} {name}" for name in ("seen", "taken", "duplicates", "refused", "passed")
        if name in result
    )  # fmt: skip
    said = result.get("error") or result.get("why") or ""
    parts = [result["outcome"].lower().replace("_", " "), counts, said]
    return f"{mark} {result['source']}: " + "; ".join(part for part in parts if part)
