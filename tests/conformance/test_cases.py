"""Our own typed cases: each settles to the cent, and a forged one does not pass."""

import json
from pathlib import Path

import pytest

from settlement.calc.cases import run_case

CASES = sorted(Path(__file__).with_name("cases").glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case_gives_its_amounts(path):
    verdict = run_case(json.loads(path.read_text("utf-8")))
    assert verdict.verdict == "pass", f"expected {verdict.expected}, got {verdict.got}"


def test_a_cent_more_fails():
    case = json.loads((Path(__file__).parent / "cases" / "A06.json").read_text("utf-8"))
    case["expected"]["total"] = "1613388.01"
    assert run_case(case).verdict == "fail"


def test_a_case_without_expectations_does_not_pass():
    case = json.loads((Path(__file__).parent / "cases" / "A06.json").read_text("utf-8"))
    assert run_case({**case, "expected": {}}).verdict == "fail"


def test_other_kinds_are_unsupported():
    assert run_case({"id": "x", "kind": "eqr"}).verdict == "unsupported"
    assert run_case({"id": "x", "kind": "settle", "inputs": {}}).got == {
        "refused": "settlement.document",
        "message": "The document names no zone.",
    }
