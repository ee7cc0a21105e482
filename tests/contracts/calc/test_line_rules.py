"""Terms rest on lines of lower codes, never in a circle, and never on what must not count."""

import pytest

from contracts.calc.line_rules import check_lines
from contracts.calc.price_terms import PricedTerm


def fee(code):
    return PricedTerm(code, code, "recurring_fee@1", "Fee", parameters={"fee": "1"})


def minimum(code, *lines):
    parameters = {"minimum": "1", "lines": list(lines), "part_month": "WHOLE"}
    return PricedTerm(code, code, "minimum_bill@1", "Minimum", parameters=parameters)


def tax(code, *lines):
    parameters = {
        "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.1"}],
        "lines": list(lines), "method": "ON_TOP", "tax_day": "LAST_DAY",
    }  # fmt: skip
    return PricedTerm(code, code, "tax@1", "Tax", parameters=parameters)


def formula(code, line):
    names = [{"name": "other", "kind": "LINE", "of": str(line), "unit": "USD"}]
    parameters = {"formula": "other * 0.1", "names": names}
    return PricedTerm(code, code, "formula@1", "Formula", parameters=parameters)


def said(*terms):
    return [finding.message for finding in check_lines(terms)]


def test_terms_that_rest_on_lower_lines_are_sound():
    assert said(fee(10), fee(50), minimum(60, 10), tax(80, 10, 50, 60), tax(81, 80)) == []


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((tax(80, 10, 40), fee(10)),
         "line 80: it rests on line 40, which the version does not have; it has 10, 80"),
        ((fee(10), minimum(60, 10, 80), tax(80, 10)),
         "line 60: it rests on line 80, which is priced after it; give it a code above 80"),
        ((fee(10), fee(50), minimum(60, 10, 50)),
         "line 60: damages (line 50) never count towards a minimum bill; take the line out"),
        ((fee(10), tax(80, 10, 70)),
         "line 80: it rests on line 70; a correction belongs to the month it corrects"),
        ((fee(10), tax(80, 10), formula(90, 80)),
         "line 90: tax (line 80) bears no interest unless it was agreed; late_interest@1 says so "
         "by its parameter tax"),
    ],
)  # fmt: skip
def test_what_a_line_must_not_rest_on_is_named(terms, message):
    assert said(*terms) == [message]


def test_a_circle_is_named_with_its_lines():
    found = said(fee(10), minimum(60, 10, 81), tax(80, 60), tax(81, 80))
    assert found[0] == (
        "line 60: these lines rest on each other: 60 → 81 → 80 → 60; take one out of the circle"
    )
    assert said(tax(80, 80)) == [
        "line 80: these lines rest on each other: 80 → 80; take one out of the circle"
    ]


def test_parameters_that_cannot_be_read_are_left_to_the_check_of_the_term():
    assert said(PricedTerm(1, 60, "minimum_bill@1", "Minimum", parameters={})) == []
