"""`manage.py conformance PATH`: replay every case of a file or folder and compare the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from contracts.calc.reading import Unquoted
from poweroptix.kernel.errors import Refused
from settlement.calc.cases import Verdict, run_case
from settlement.calc.examples import is_example, replay
from settlement.management.kit import DomainCommand


class Command(DomainCommand):
    """Run conformance cases; prints [{id, verdict, expected, got}]."""

    help = (
        "Replay the *.json cases of a file or below a folder (months to settle, worked examples "
        "of metering) and print a verdict each; exit 1 when one fails, 2 when there is none."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("path", type=Path)
        parser.add_argument("--words", action="store_true", help="one line a case instead of JSON")

    def work(self, *, path: Path, words: bool, **_options: Any) -> tuple[Any, str, bool]:
        """Run the cases."""
        if not path.exists():
            raise Refused("conformance.path", f"{path} is no folder and no file.")
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        verdicts = [verdict for file in files for verdict in _of_file(file)]
        if not verdicts:
            text = f"There is no case in {path}: a case is an object of a *.json file there."
            raise CommandError(text, returncode=2)
        document = [verdict.to_json() for verdict in verdicts]
        text = (
            "\n".join(_line(one) for one in verdicts) if words else json.dumps(document, indent=1)
        )
        return document, text, all(one.verdict != "fail" for one in verdicts)


def _verdicts(cases: list[dict[str, Any]]) -> list[Verdict]:
    """Replay the cases of a file, in its order; an example may rest on the one before it."""
    examples = iter(replay(case for case in cases if is_example(case)))
    return [next(examples) if is_example(case) else run_case(case) for case in cases]


def _of_file(path: Path) -> list[Verdict]:
    """Return the verdicts of a file; one that cannot be read is one unsupported case."""
    try:
        cases = _cases(path)
    except (OSError, RecursionError, ValueError) as error:
        return [Verdict(path.stem, "unsupported", None, f"{path}: {error}")]
    return _verdicts(cases)


def _cases(path: Path) -> list[dict[str, Any]]:
    """Return the cases of a file: one object or a list; a file of something else is one case."""
    found = json.loads(path.read_text("utf-8"), parse_float=Unquoted, parse_constant=Unquoted)
    cases = found if isinstance(found, list) else [found]
    named = [case if isinstance(case, dict) else {"kind": type(case).__name__} for case in cases]
    return [{"id": path.stem, **case} for case in named]


def _line(verdict: Verdict) -> str:
    if verdict.verdict == "unsupported":
        return f"unsupported {verdict.id}: {verdict.got}"
    return f"{verdict.verdict:12}{verdict.id}: expected {verdict.expected}, got {verdict.got}"
