"""The example of docs/conformance.md is a case that passes as it is printed."""

import json
import re
from pathlib import Path

from contracts.calc.reading import Unquoted
from settlement.calc.cases import run_case

DOC = Path(__file__).parents[2] / "docs" / "conformance.md"
[WRITTEN] = re.findall(r"```json\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)


def test_the_documented_case_passes():
    verdict = run_case(json.loads(WRITTEN, parse_float=Unquoted))
    assert verdict.verdict == "pass", verdict.got
    assert verdict.got == {"lines": {"10": "121.20", "40": "310.00"}, "total": "431.20"}


def test_the_documented_case_without_quotes_is_unsupported():
    verdict = run_case(json.loads(WRITTEN.replace('"50.50"', "50.50"), parse_float=Unquoted))
    assert verdict.verdict == "unsupported"
    assert verdict.got["message"].endswith('50.50 is a fraction without quotes; write "50.50".')
