"""`manage.py export_readings`: readings of channels and days into a file."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.exports import writers
from meters.models import Channel
from meters.queries.export import LAYERS, ExportOrder, prepare
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError


class Command(BaseCommand):
    """Write readings into a file; exit 0 done, 1 refused, 2 wrong usage."""

    help = (
        "Write readings into a file: export_readings --channel TEN-ALFA/DEL_KWH --from 2026-03-01 "
        "--to 2026-03-31 --format parquet@1 --output march.parquet. Exit code 0: done; 1: "
        "refused; 2: wrong usage."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("--campus", help="code of a campus: all its active channels")
        parser.add_argument("--channel", action="append", default=[], help="code of a channel")
        parser.add_argument("--from", required=True, dest="first", help="first day")
        parser.add_argument("--to", dest="last", help="last day (default: the first)")
        parser.add_argument("--format", default="csv_long@1", choices=writers.keys())
        parser.add_argument("--layer", default="final", choices=sorted(LAYERS))
        parser.add_argument("--zone", default="", help="zone of the days (default: the campus's)")
        parser.add_argument("--output", required=True, help="the file to write")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file and say what is in it."""
        first, last = _day(options["first"]), _day(options["last"] or options["first"])
        if not options["campus"] and not options["channel"]:
            raise CommandError("Name a --campus or a --channel.", returncode=2)
        target = Path(options["output"])
        scratch = target.with_name(f".{target.name}.writing")
        try:
            codes = _codes(options["campus"], options["channel"])
            order = ExportOrder(
                codes, first, last, options["format"], options["layer"], options["zone"]
            )
            export = prepare(order, now=now())
            with scratch.open("wb") as stream:
                for part in export.content():
                    stream.write(part)
            scratch.replace(target)
        except DomainError as fault:
            said = {"refused": fault.message, "code": fault.code}
            self.stderr.write(
                json.dumps(said) if options["as_json"] else f"refused: {fault.message}"
            )
            raise SystemExit(1) from fault
        except OSError as fault:
            raise CommandError(f"{target} cannot be written: {fault}", returncode=2) from fault
        finally:
            scratch.unlink(missing_ok=True)
        told = {
            "file": str(target),
            "bytes": target.stat().st_size,
            "channels": len(export.ids),
            "intervals": export.intervals,
        }
        self.stdout.write(
            json.dumps(told)
            if options["as_json"]
            else f"{told['file']}: {told['channels']} channels, {told['intervals']:,} intervals, "
            f"{told['bytes']:,} bytes."
        )


def _day(text: str) -> date:
    """Return a day; wrong usage otherwise."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no day such as 2026-03-01.", returncode=2) from error


def _codes(campus: str | None, codes: list[str]) -> tuple[str, ...]:
    """Return the codes that were named and those of the campus."""
    found = list(codes)
    if campus:
        active = Channel.objects.filter(delivery_point__campus__code=campus, is_active=True)
        found += active.values_list("code", flat=True)
        if not found:
            raise NotFoundError("campus.unknown", f"There is no channel of a campus {campus}.")
    return tuple(found)
