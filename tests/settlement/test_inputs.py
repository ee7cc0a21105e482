"""The frozen document: what goes in comes out, unknown entries and wrong digests are refused."""

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from settlement.calc.inputs import Inputs, from_bytes, from_document
from settlement.calc.settle import estimated_ratio, settle
from settlement.calc.version_inputs import VersionInputs

DAY = Period.day("America/Chicago", date(2026, 3, 8))
ENERGY = PricedTerm(1, 10, "fixed_energy@1", "Energy", parameters={"price": "50"})


def inputs_of(values, *, status=None, terms=(ENERGY,), **more):
    grid = DAY.grid(60)
    status = np.full(grid.count, 10, np.uint8) if status is None else status
    series = Series(grid, np.array(values, np.int64), status, "kWh")
    version = VersionInputs(1, DAY.first_date, DAY.last_date, None, {}, tuple(terms))
    return Inputs(
        contract="C-1",
        currency="USD",
        zone=DAY.zone,
        period=DAY,
        versions=(version,),
        series={"delivered": series},
        **more,
    )


energies = st.lists(st.integers(-(10**12), 10**12), min_size=23, max_size=23)


@given(energies)
@settings(max_examples=40)
def test_a_document_gives_back_the_same_inputs_lines_and_bytes(values):
    inputs = inputs_of(values)
    content, sha256 = inputs.frozen()
    again = from_bytes(content)
    assert again.frozen() == (content, sha256)
    assert settle(again).lines_sha256() == settle(inputs).lines_sha256()


def test_statuses_and_gaps_survive_the_document():
    values = [10**6] * 22 + [MISSING]
    status = np.array([10, 60] + [10] * 20 + [100], np.uint8)
    inputs = inputs_of(values, status=status)
    again = from_bytes(inputs.frozen()[0]).series["delivered"]
    assert again.equals(inputs.series["delivered"])
    assert settle(inputs).total_usd is None


@given(energies, energies)
@settings(max_examples=40)
def test_original_plus_delta_is_new_on_whole_runs(first, second):
    from settlement.calc.delta import Billed, billed_rows, compare

    def billed(values):
        return [
            Billed(
                (one.line_code, one.label, ""),
                one.label,
                one.quantity,
                one.unit,
                one.amount_usd,
                billed_rows(one.worksheet),
            )
            for one in settle(inputs_of(values)).lines
        ]

    before, after = billed(first), billed(second)
    deltas = compare(before, after)
    assert before[0].amount_usd + sum(one.amount_usd for one in deltas) == after[0].amount_usd


@given(energies, st.permutations(["A", "B", "C"]))
@settings(max_examples=20)
def test_the_order_in_which_terms_are_stored_does_not_matter(values, order):
    terms = {
        name: PricedTerm(at, 10 + at, "fixed_energy@1", name, parameters={"price": str(at)})
        for at, name in enumerate("ABC", 1)
    }
    one = settle(inputs_of(values, terms=[terms[name] for name in "ABC"]))
    other = settle(inputs_of(values, terms=[terms[name] for name in order]))
    assert one.lines_sha256() == other.lines_sha256()


def test_lines_are_ordered_by_code_and_the_total_is_their_sum():
    terms = [
        PricedTerm(1, 40, "recurring_fee@1", "Fee", parameters={"fee": "100"}),
        PricedTerm(2, 10, "fixed_energy@1", "Energy", parameters={"price": "50"}),
    ]
    outcome = settle(inputs_of([10**9] * 23, terms=terms))
    assert [line.line_code for line in outcome.lines] == [10, 40]
    assert outcome.total_usd == Decimal("1150.00") + outcome.lines[1].amount_usd


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "inputs: there is no field 'colour'; known: "),
        (
            {"format": "x@9"},
            "The document has the format 'x@9'; this reads 'settlement.inputs@1' and",
        ),
        ({"zone": None}, "The document names no zone"),
        ({"period": None}, "The document names no period"),
        (
            {"versions": [{"terms": [], "tems": []}]},
            r"inputs.versions\[0\]: there is no field 'tems'; known: anchor_date, facts",
        ),
        ({"versions": []}, "No version of C-1 holds in 2026-03-08"),
    ],
)
def test_documents_that_say_something_else_are_refused(change, message):
    document = {**json.loads(inputs_of([0] * 23).frozen()[0]), **change}
    with pytest.raises(Refused, match=message):
        settle(from_document(document))


def test_a_wrong_digest_is_refused():
    document = json.loads(inputs_of([0] * 23).frozen()[0])
    document["series"]["delivered"]["values"][3] = "1"
    with pytest.raises(Refused, match="'delivered' has the digest"):
        from_document(document)


def test_a_reference_needs_somebody_who_follows_it():
    inputs = inputs_of([0] * 23, series_refs={"delivered": {"kind": "allocation", "run": 1}})
    document = json.loads(inputs.frozen()[0])
    with pytest.raises(Refused, match="'delivered' is only a reference; this document does not"):
        from_document(document)
    assert "values" in inputs.in_full().document()["series"]["delivered"]


def test_an_input_that_no_term_finds_is_refused_by_name():
    term = PricedTerm(1, 10, "index_adder@1", "Energy", parameters={"index": "HUB"})
    with pytest.raises(Refused, match="C-1: prices 'HUB' is not there"):
        settle(inputs_of([0] * 23, terms=[term]))


def test_prices_survive_the_document_with_vintage_and_gaps():
    hub = PriceSeries.of(DAY.grid(60), [Decimal("31.27")] * 22 + [None], "USD/MWh", "prelim", False)
    inputs = inputs_of([0] * 23, prices={"HUB": hub})
    again = from_bytes(inputs.frozen()[0]).prices["HUB"]
    assert again.digest() == hub.digest()


def test_a_fee_has_no_estimated_share_because_no_reading_has_a_say():
    fee = PricedTerm(2, 40, "recurring_fee@1", "Fee", parameters={"fee": "100", "per": "MONTH"})
    status = np.full(23, 60, np.uint8)
    energy, fixed = settle(inputs_of([10**6] * 23, status=status, terms=[ENERGY, fee])).lines
    assert (energy.estimated_ratio, fixed.estimated_ratio) == (1, None)


def test_the_estimated_share_is_by_energy():
    status = np.array([60] + [10] * 22, np.uint8)
    series = inputs_of([3 * 10**6] + [0] * 21 + [10**6], status=status).series["delivered"]
    assert estimated_ratio(series) == Decimal("0.75")
    assert settle(inputs_of([0] * 23, status=status)).lines[0].estimated_ratio == 0


def test_the_stored_document_is_canonical():
    content, _ = inputs_of([1] * 23).frozen()
    assert canonical_json(json.loads(content)) == content
