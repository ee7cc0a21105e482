"""`manage.py vee`: validate and estimate local days, or close months, of a campus or channels."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.models import Campus, Channel
from meters.queries import open_findings
from meters.services import VeeSummary, close_checks, validate_days
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError

SHOWN_FINDINGS = 20


class Command(BaseCommand):
    """Validate days; exit 0 done, 1 done with open holds or refused, 2 wrong usage."""

    help = (
        "Validate, estimate and publish local days: vee --campus CODE --from 2026-03-01 --to "
        "2026-03-31; --close 2026-03 then judges the month as a whole. Exit code 0: nothing is "
        "held; 1: findings wait for a decision, or refused; "
        "2: wrong usage."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--campus", help="code of a campus: all its active channels")
        parser.add_argument("--channel", action="append", default=[], help="code of a channel")
        parser.add_argument("--from", dest="first", help="first local day")
        parser.add_argument("--to", dest="last", help="last local day (default: the first)")
        parser.add_argument("--close", help="a month such as 2026-03 to judge as a whole as well")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Validate and tell what waits."""
        if not options["campus"] and not options["channel"]:
            raise CommandError("Name a --campus or a --channel.", returncode=2)
        if not options["first"] and not options["close"]:
            raise CommandError("Name the days with --from, or a month with --close.", returncode=2)
        first, last = _days(options)
        at, actor = now(), Actor.system("vee")
        try:
            ids = _channels(options["campus"], options["channel"])
            summary = VeeSummary(channels=len(ids))
            if options["first"]:
                summary = validate_days(ids, first, last, now=at, actor=actor)
            if options["close"]:
                closed = close_checks(ids, options["close"], now=at, actor=actor)
                summary.findings += closed.findings
        except DomainError as fault:
            said = {"refused": fault.message, "code": fault.code}
            self.stderr.write(
                json.dumps(said) if options["as_json"] else f"refused: {fault.message}"
            )
            raise SystemExit(1) from fault
        waiting = open_findings(channel_ids=ids, severities=["BLOCK", "REJECT", "HOLD", "ESTIMATE"])
        rows = [f for f in waiting if f.start_utc.date() <= last and f.end_utc.date() >= first]
        if options["as_json"]:
            document = summary.to_json() | {
                "open": [
                    {
                        "channel": f.channel.code,
                        "rule": f.rule_code,
                        "message": f.message,
                        "start_utc": f.start_utc,
                        "end_utc": f.end_utc,
                    }
                    for f in rows
                ]
            }
            self.stdout.write(json.dumps(document, indent=1, default=str))
        else:
            self._tell(summary.to_json(), rows)
        if rows:
            raise SystemExit(1)

    def _tell(self, summary: dict[str, Any], rows: list[Any]) -> None:
        """Print the result for people."""
        self.stdout.write(
            f"{summary['channels']} channels, {summary['days']} days: {summary['blocks']} day "
            f"blocks written, {summary['estimated']} intervals estimated, "
            f"{len(rows)} findings wait."
        )
        for said in summary["corrections"]:
            self.stdout.write(f"  {said}")
        for finding in rows[:SHOWN_FINDINGS]:
            self.stdout.write(
                f"  {finding.rule_code} {finding.channel.code} "
                f"{finding.start_utc:%Y-%m-%d %H:%M} UTC: {finding.message}"
            )
        if len(rows) > SHOWN_FINDINGS:
            self.stdout.write(f"  and {len(rows) - SHOWN_FINDINGS} more.")


def _days(options: dict[str, Any]) -> tuple[date, date]:
    """Return the days asked for, those of the month to close where none are; wrong usage else."""
    if options["first"]:
        return _day(options["first"]), _day(options["last"] or options["first"])
    first = _day(f"{options['close']}-01")
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _day(text: str) -> date:
    """Return a day; wrong usage otherwise."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no day such as 2026-03-01.", returncode=2) from error


def _channels(campus: str | None, codes: list[str]) -> list[int]:
    """Return channel ids; NotFoundError names what there is not."""
    ids: list[int] = []
    if campus:
        if not Campus.objects.filter(code=campus).exists():
            raise NotFoundError("campus.unknown", f"There is no campus {campus}.")
        active = Channel.objects.filter(delivery_point__campus__code=campus, is_active=True)
        ids += active.values_list("pk", flat=True)
    found = dict(Channel.objects.filter(code__in=codes).values_list("code", "pk"))
    missing = [code for code in codes if code not in found]
    if missing:
        raise NotFoundError("channel.unknown", f"There is no channel {', '.join(missing)}.")
    return sorted({*ids, *found.values()})
