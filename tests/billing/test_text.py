"""Sentences and figures of the paper; examples in the modules run here too."""

import doctest
from decimal import Decimal

import pytest

from billing.calc import carbon, parties, usage, wording
from billing.documents import chart, intervals_csv, text, view
from tests.billing.sample import MARCH, march_series, sheets


@pytest.mark.parametrize(
    "module", [carbon, parties, usage, wording, chart, intervals_csv, text, view]
)
def test_examples_in_docstrings(module):
    assert doctest.testmod(module).failed == 0


def test_usage_adds_up_and_says_what_was_estimated():
    series = march_series(estimated=12)
    said = usage.usage_of(series, MARCH)
    assert said["total_kwh"] == series.total() == sum(day["kwh"] for day in said["days"])
    assert said["estimated_kwh"] == sum(day["estimated_kwh"] for day in said["days"]) > 0
    assert said["quality_note"] == "Of 2,972 intervals 2,960 measured, 12 estimated."
    assert [day["intervals"] for day in said["days"]][6:9] == [96, 92, 96]
    top = max(range(series.grid.count), key=lambda i: series.values[i])
    assert said["peak_at"] == series.grid.start_of(top)


def test_determinants_are_enough_to_compute_the_amount():
    for _, _, sheet in sheets(march_series()):
        rows = wording.sums(sheet)
        assert sum(Decimal(row["exact"]) for row in rows) == sheet.exact_usd
        names = [row["name"] for row in wording.determinants(sheet)]
        assert names
        assert all(row["how"] for row in wording.determinants(sheet))


def test_bank_and_address_leave_out_what_is_empty():
    assert parties.bank_rows({"bank": "B", "swift": "", "note_to_payer": "x"}) == [
        {"label": "Bank", "value": "B"},
        {"label": "Note to payer", "value": "x"},
    ]
    assert parties.address_lines({}) == []
    assert parties.paper_of({"country": "DE"}, "USD") == "a4"
    assert parties.paper_of({}, "USD") == "letter"
