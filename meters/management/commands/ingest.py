"""`manage.py ingest PATH...`: meter files into readings; folders, zip and gzip too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.models import FileState, ImportFile
from meters.services import ingest_file, receive_files
from meters.services.publishing.followup import validate_receipt
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError

SHOWN_FAULTS = 10


class Command(BaseCommand):
    """Receive and ingest files; exit 0 all read, 1 some refused or quarantined, 2 wrong usage."""

    help = (
        "Read meter files (CSV, NEM12, ESPI; folders, .zip, .gz) into the store. Content that the "
        "source has sent before is not read twice. Exit code 0: all read; 1: a file was refused "
        "or a record quarantined; 2: wrong usage."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        parser.add_argument("paths", nargs="+", metavar="PATH", help="file or folder")
        parser.add_argument("--source", default="command", help="who sends (default: command)")
        parser.add_argument("--profile", default="", help="code of an import profile")
        parser.add_argument("--format", default="", help="key of a format, such as nem12@1")
        parser.add_argument(
            "--received-at", help="time of receipt with offset (default: the clock)"
        )
        parser.add_argument(
            "--vee", action="store_true", help="also validate and estimate the days of each file"
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read every file; a refused one does not stop the others."""
        received_at = _moment(options["received_at"])
        actor = Actor.system("ingest")
        results = []
        for path in _files(options["paths"]):
            results += self._one(path, options, received_at, actor)
        if options["as_json"]:
            self.stdout.write(json.dumps(results, indent=1, default=str))
        else:
            for result in results:
                self._tell(result)
            if not results:
                self.stdout.write("There was no file to read.")
        if any(result["outcome"] in ("refused", "partial") for result in results):
            raise SystemExit(1)

    def _one(
        self, path: Path, options: dict[str, Any], received_at: datetime, actor: Actor
    ) -> list[dict[str, Any]]:
        """Receive one path and ingest what it holds."""
        try:
            with path.open("rb") as stream:
                files = receive_files(
                    stream,
                    name=path.name,
                    source=options["source"],
                    profile_code=options["profile"],
                    format=options["format"],
                    now=received_at,
                    actor=actor,
                )
        except DomainError as fault:
            return [_refused(path.name, fault)]
        return [self._ingest(file, options, received_at, actor) for file in files]

    def _ingest(
        self, file: ImportFile, options: dict[str, Any], received_at: datetime, actor: Actor
    ) -> dict[str, Any]:
        """Ingest one received file and, when asked, validate its days."""
        if file.is_duplicate and file.state == FileState.ACCEPTED:
            return {"name": file.sent_as, "outcome": "duplicate", "file": file.pk}
        try:
            receipt = ingest_file(file.pk, now=received_at, actor=actor)
        except DomainError as fault:
            return _refused(file.name, fault) | {"file": file.pk}
        partial = receipt["error_count"] or receipt["quarantined"]
        result = {
            "name": file.name,
            "outcome": "partial" if partial else "accepted",
            "file": file.pk,
            "receipt": receipt,
        }
        if options["vee"]:
            done = validate_receipt(receipt, now=received_at, actor=actor)
            result["vee"] = [summary.to_json() for summary in done]
        return result

    def _tell(self, result: dict[str, Any]) -> None:
        """Print what became of a file, for people."""
        if result["outcome"] == "refused":
            self.stdout.write(f"✗ {result['name']}: refused. {result['message']}")
            return
        if result["outcome"] == "duplicate":
            self.stdout.write(f"= {result['name']}: already imported as #{result['file']}.")
            return
        receipt = result["receipt"]
        stored = receipt["stored"]
        self.stdout.write(
            f"✓ {result['name']} #{result['file']}: {receipt['intervals']:,} intervals, "
            f"{stored['new']:,} new, {stored['same']:,} known, {stored['replaced']:,} replaced, "
            f"{stored['ignored']:,} ignored."
        )
        for row in receipt["channels"]:
            self.stdout.write(
                f"    {row['code']}: {row['total']} {row['unit']}, {row['first_utc']} to "
                f"{row['end_utc']}, {row['missing']} missing"
            )
        for row in receipt["quarantined"]:
            self.stdout.write(f"  ! lines {row['line_first']}-{row['line_last']}: {row['message']}")
        for row in receipt["errors"][:SHOWN_FAULTS]:
            self.stdout.write(f"  ! {row['message']}")
        if receipt["error_count"] > SHOWN_FAULTS:
            self.stdout.write(f"  ! and {receipt['error_count'] - SHOWN_FAULTS} more.")
        for done in result.get("vee", []):
            findings = ", ".join(f"{n} x {code}" for code, n in done["findings"].items())
            self.stdout.write(
                f"    validated: {done['estimated']} estimated, findings: {findings or 'none'}"
            )


def _refused(name: str, fault: DomainError) -> dict[str, Any]:
    return {"name": name, "outcome": "refused", "code": fault.code, "message": fault.message}


def _moment(text: str | None) -> datetime:
    """Return the time of receipt; wrong usage unless it has an offset."""
    if text is None:
        return now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--received-at {text} is no time: {error}", returncode=2) from error
    if moment.tzinfo is None:
        raise CommandError(f"--received-at {text} needs an offset or Z.", returncode=2)
    return moment


def _files(names: list[str]) -> Iterator[Path]:
    """Yield the files of all paths, folders in order of name; hidden files are passed over."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
                if inner.is_file() and not hidden:
                    yield inner
        elif path.is_file():
            yield path
        else:
            raise CommandError(f"There is no file or folder {name}.", returncode=2)
