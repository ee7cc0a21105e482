"""Our own typed cases: each settles to the cent, and a forged one does not pass."""

import json
from pathlib import Path

import pytest

from contracts.calc.reading import Unquoted
from poweroptix.kernel.errors import Refused
from settlement.calc.cases import run_case
from settlement.calc.inputs import from_document

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


def edited(part, **change):
    """Return a case with one entry changed; `part` is inputs, a version or its first term."""
    case = json.loads((Path(__file__).parent / "cases" / "A06.json").read_text("utf-8"))
    version = case["inputs"]["versions"][0]
    entry = {"inputs": case["inputs"], "version": version, "term": version["terms"][0]}[part]
    entry.update(change)
    for name in [name for name, one in change.items() if one is ...]:
        del entry[name]
    return case


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (edited("term", label=...), "inputs.versions[0].terms[0]: label is missing; known: charge"),
        (edited("term", charge_type=...), "inputs.versions[0].terms[0]: charge_type is missing; "),
        (
            edited("term", colour="red"),
            "inputs.versions[0].terms[0]: there is no field 'colour'; known: charge_type, clause,",
        ),
        (
            edited("term", line_code="ten"),
            "inputs.versions[0].terms[0].line_code: 'ten' is not a whole number such as 10.",
        ),
        (
            edited("term", parameters=[]),
            "inputs.versions[0].terms[0].parameters: [] is not an object {...}.",
        ),
        (edited("term", charge_type="magic@1"), "magic@1"),
        (edited("version", terms=...), "inputs.versions[0]: terms is missing; known: "),
        (edited("version", in_force=["2026-03-01"]), "inputs.versions[0].in_force: is the first"),
        (edited("version", anchor_date=5), "inputs.versions[0].anchor_date: 5 is not a date such"),
        (edited("inputs", versions=[5]), "inputs.versions[0]: 5 is not an object {...}."),
        (edited("inputs", versions={}), "inputs.versions: {} is not a list [...]."),
        (edited("inputs", series=[]), "inputs.series: [] is not an object {...}."),
        (edited("inputs", series={"delivered": 5}), "inputs.series.delivered: 5 is not an object"),
        (
            edited("inputs", series={"delivered": {"minutes": "x", "flat": "1"}}),
            "inputs.series.delivered: cannot be read: ",
        ),
        (edited("inputs", period=[]), "inputs.period: [] is not an object {...}."),
        (edited("inputs", period="2026-3x"), "inputs.period: "),
        (edited("inputs", period={"label": "x"}), "inputs.period: start_utc is missing; known: "),
        (edited("inputs", calendars={"TOU": {}}), "inputs.calendars: 'schedule' is missing or not"),
        (
            edited("inputs", period={"start_utc": "", "end_utc": "", "label": "", "zone": "UTC"}),
            "inputs.period: there is no field 'zone'; known: end_utc, label, start_utc.",
        ),
        (
            edited("inputs", series={"delivered": {"minutes": 60, "flat": "1", "scale": "2"}}),
            "inputs.series.delivered: there is no field 'scale'; known: flat, minutes, runs, start",
        ),
        (
            edited("inputs", prices={"HUB": {"flat": "1", "factor": "2"}}),
            "inputs.prices.HUB: there is no field 'factor'; known: final, flat, minutes, runs, ",
        ),
        (
            edited("term", parameters={"price": 50.5}),
            "inputs.versions[0].terms[0].parameters.price: 50.5 is a fraction without",
        ),
        (
            edited("inputs", series={"delivered": {"values": ["1", Unquoted("0.10")]}}),
            'inputs.series.delivered.values[1]: 0.10 is a fraction without quotes; write "0.10".',
        ),
        (
            {**edited("inputs"), "expected": {"total": "1.00", "totals": "1.00"}},
            "expected: there is no field 'totals'; known: lines, quantities, refused, total.",
        ),
        (edited("inputs", rounding="ASIDE"), "inputs.rounding: cannot be read: "),
        (edited("inputs", carry_in=[]), "inputs.carry_in: [] is not an object {...}."),
        ({**edited("inputs"), "inputs": []}, "inputs: [] is not an object {...}."),
        ({"kind": "settle"}, "the case: inputs is missing; known: expected, id, inputs, kind"),
        ({**edited("inputs"), "expected": ["1.00"]}, "expected: ['1.00'] is not an object {...}."),
    ],
)
def test_a_case_that_cannot_be_read_is_unsupported_and_says_where(case, message):
    verdict = run_case(case)
    assert verdict.verdict == "unsupported"
    assert message in verdict.got["message"]


@pytest.mark.parametrize("kind", ["pool", "owners"])
def test_a_money_document_of_another_shape_is_unsupported(kind):
    assert run_case({"kind": kind, "inputs": {"members": 5}}).verdict == "unsupported"


def test_a_kind_that_is_no_text_is_unsupported():
    assert run_case({"id": "x", "kind": []}).got == "kind []"


def test_a_document_of_binary_floats_is_refused():
    inputs = edited("term", parameters={"price": 50.5})["inputs"]
    with pytest.raises(Refused, match=r"terms\[0\].parameters.price: 50.5 is a fraction without"):
        from_document(inputs)
