"""`manage.py conformance DIR`: settle every case of a folder and compare the amounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poweroptix.kernel.errors import Refused
from settlement.calc.cases import Verdict, run_case
from settlement.management.kit import DomainCommand


class Command(DomainCommand):
    """Run conformance cases; prints [{id, verdict, expected, got}]."""

    help = "Settle the *.json cases below a folder and print a verdict each; exit 1 when one fails."

    def add_arguments(self, parser):
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path)
        parser.add_argument("--words", action="store_true", help="one line a case instead of JSON")

    def work(self, *, folder: Path, words: bool, **_options: Any) -> tuple[Any, str, bool]:
        """Run the cases."""
        if not folder.is_dir():
            raise Refused("conformance.folder", f"{folder} is no folder.")
        verdicts = [
            run_case(case) for path in sorted(folder.rglob("*.json")) for case in _cases(path)
        ]
        document = [verdict.to_json() for verdict in verdicts]
        text = (
            "\n".join(_line(one) for one in verdicts) if words else json.dumps(document, indent=1)
        )
        return document, text, all(one.verdict != "fail" for one in verdicts)


def _cases(path: Path) -> list[dict[str, Any]]:
    """Return the cases of a file: one object or a list; a file of something else is one case."""
    try:
        found = json.loads(path.read_text("utf-8"), parse_float=str)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Refused("conformance.file", f"{path}: {error}") from error
    cases = found if isinstance(found, list) else [found]
    named = [case if isinstance(case, dict) else {"kind": type(case).__name__} for case in cases]
    return [{"id": path.stem, **case} for case in named]


def _line(verdict: Verdict) -> str:
    if verdict.verdict != "fail":
        return f"{verdict.verdict:12}{verdict.id}"
    return f"fail        {verdict.id}: expected {verdict.expected}, got {verdict.got}"
