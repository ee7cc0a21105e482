"""Every worked example of metering, replayed by the product as `manage.py conformance` does."""

import json
import os
from pathlib import Path

import pytest

from meters.conformance import KINDS
from settlement.calc.examples import replay
from tests.conformance.chain import manage
from tests.conformance.vee.stored import STORED
from tests.meters.cases import CASES

FILE = CASES / "vee_examples.json"
EXAMPLES = json.loads(FILE.read_text(), parse_float=str) if FILE.exists() else []
needs_examples = pytest.mark.skipif(
    not EXAMPLES, reason=f"the worked examples are not at {FILE} (set POWEROPTIX_CASES)"
)


def before(case):
    """Return the examples of the same rule up to and with this one."""
    at = EXAMPLES.index(case)
    return [one for one in EXAMPLES[: at + 1] if one["rule"] == case["rule"]]


def verdict_on(case, examples=None):
    return replay(examples or [case], STORED)[-1]


@needs_examples
@pytest.mark.django_db
@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["id"])
def test_example(case):
    found = verdict_on(case, before(case) if case["rule"] not in STORED else [case])
    assert found.verdict == "pass", f"expected {found.expected}, got {found.got}"


@needs_examples
def test_the_command_replays_the_file_and_prints_each():
    said = manage("conformance", FILE)
    assert said.code == 0, said.err
    assert [one["id"] for one in said.json] == [case["id"] for case in EXAMPLES]
    assert len({case["id"] for case in EXAMPLES}) == len(EXAMPLES)
    unsupported = {one["id"] for one in said.json if one["verdict"] == "unsupported"}
    assert unsupported == {case["id"] for case in EXAMPLES if case["rule"] in STORED}
    assert {one["verdict"] for one in said.json} <= {"pass", "unsupported"}


@needs_examples
def test_every_rule_of_the_file_has_its_kind():
    assert {case["rule"] for case in EXAMPLES} <= {*KINDS, *STORED, "CAMPUS_BALANCE"}


def other_numbers(value):
    """Yield the expectation with one number, flag or word changed."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from ({**value, name: other} for other in other_numbers(one))
    elif isinstance(value, list):
        yield [*value, value[0] if value else "1"]
        for n, one in enumerate(value):
            yield from ([*value[:n], other, *value[n + 1 :]] for other in other_numbers(one))
    elif isinstance(value, bool):
        yield not value
    elif value is None:
        yield "1"
    elif isinstance(value, int):
        yield value + 1
    else:
        digits = value.replace(".", "", 1).lstrip("-")
        yield f"{value[:-1]}{(int(value[-1]) + 1) % 10}" if digits.isdigit() else f"{value}?"


@needs_examples
@pytest.mark.parametrize(
    "case", [one for one in EXAMPLES if one["rule"] not in STORED], ids=lambda case: case["id"]
)
def test_an_example_that_expects_anything_else_fails(case):
    others = list(other_numbers(case["expect"]))
    assert others
    for expect in others:
        found = verdict_on(case, [*before(case)[:-1], {**case, "expect": expect}])
        assert found.verdict == "fail", expect


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"rule": "WEATHER"}, "There is no rule 'WEATHER'."),
        ({"given": {"avg_kw": "1", "seconds": 900, "mood": 1}}, "Not understood: mood."),
        ({"given": {"avg_kw": "1"}}, "Not understood: the example gives no 'seconds'."),
        ({"given": {"avg_kw": "x", "seconds": 900}}, "avg_kw is 'x', not a number"),
        ({"given": {"avg_kw": "1", "seconds": 90}}, "seconds is no whole number of minutes"),
        ({"expect": {}}, "{}"),
        ({"expect": {"kwh": "1200", "mood": "1"}}, "not known"),
    ],
)
def test_what_is_not_known_never_passes(case, message):
    whole = {
        "id": "M2", "rule": "KW_TO_KWH", "given": {"avg_kw": "4800", "seconds": 900},
        "expect": {"kwh": "1200"},
    }  # fmt: skip
    assert verdict_on(whole).verdict == "pass"
    found = verdict_on({**whole, **case})
    assert found.verdict == "fail"
    assert message in str(found.got)


FURTHER = os.environ.get("POWEROPTIX_MORE_CASES", "")


@pytest.mark.parametrize("file", sorted(Path(FURTHER).rglob("*.json")) if FURTHER else [], ids=str)
def test_further_examples_pass(file):
    said = manage("conformance", file)
    assert said.code == 0, said.out
