from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm, PricingInputs, price_terms
from contracts.charges import PricedLine, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from tests.contracts.builders import charge, inputs, term
from tests.contracts.cases import example

KEY = "minimum_bill@1"
ZONE = "America/Chicago"
AGREED = {"minimum": "45000", "lines": [10, 20, 40], "part_month": "DAYS"}


def line(code, amount, label="Line"):
    return PricedLine(code, label, None if amount is None else Decimal(amount))


def bill(*lines, label="2026-05", **more):
    return inputs(label, term=term("Minimum bill", 60), lines=lines, **more)


def test_a26_only_named_lines_count():
    case = example("A26")
    given_lines = case["inputs"]
    sheet, carried = charge(
        KEY,
        bill(
            line(10, given_lines["energy"]),
            line(20, given_lines["demand"]),
            line(30, given_lines["fuel_pass_through"]),
            line(40, given_lines["fixed"]),
            line(50, given_lines["prior_period_credit"]),
        ),
        AGREED,
    )
    assert str(sheet.amount_usd) == case["expected"]["top_up"].replace(",", "")
    assert carried == {}
    assert sheet.rows[0].rate.sentence() == (
        "max(0, 45000 USD - 18250.40 USD - 22480.00 USD - 1500.00 USD)"
    )


def test_part_months_owe_their_days_or_the_whole():
    held = {"label": "2026-04", "in_force": (date(2026, 4, 16), date(2026, 4, 30))}
    some = line(10, "1000.00")
    for rule, owed in (("DAYS", "21500.00"), ("WHOLE", "44000.00")):
        parameters = {"minimum": "45000", "lines": [10], "part_month": rule}
        assert str(charge(KEY, bill(some, **held), parameters)[0].amount_usd) == owed


def test_a_line_without_an_amount_leaves_none_and_says_so():
    sheet, _ = charge(KEY, bill(line(10, None, "Energy"), line(20, "1"), line(40, "1")), AGREED)
    assert sheet.amount_usd is None
    (found,) = sheet.findings
    assert found.message == "line 10 'Energy' has no amount yet, and it counts"
    assert found.fix == "Bring in what line 10 misses."


def test_a_line_that_does_not_come_before_is_refused():
    with pytest.raises(Refused, match="no line 40 comes before line 60; known: 10, 20"):
        charge(KEY, bill(line(10, "1"), line(20, "1")), AGREED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lines": []}, "name at least one line that counts"),
        ({"lines": [10, 20, 10]}, "10 is named twice"),
        ({"minimum": "-1"}, "minimum"),
        ({"part_month": "HALF"}, "part_month"),
    ],
)
def test_parameters_that_cannot_be_meant(change, words):
    with pytest.raises(Refused, match=words):
        charge_type(KEY).parse(AGREED | change)


def test_the_part_month_must_be_said():
    with pytest.raises(Refused, match="part_month: is required"):
        charge_type(KEY).parse({"minimum": "1", "lines": [10]})


def test_the_clause_in_words():
    kind = charge_type(KEY)
    assert kind.sentence(kind.parse(AGREED)) == (
        "Minimum bill: $45,000.00 a month. When the printed amounts of lines 10, 20 and 40 come to "
        "less, the difference is billed. A part month owes its days over the days of the month."
    )


@given(st.lists(st.decimals("-100000", "100000", places=2), min_size=1, max_size=5))
def test_what_counts_and_the_top_up_reach_the_minimum_and_no_more(amounts):
    lines = [line(10 + at, amount) for at, amount in enumerate(amounts)]
    parameters = {
        "minimum": "45000", "lines": [one.line_code for one in lines], "part_month": "WHOLE",
    }  # fmt: skip
    top_up = charge(KEY, bill(*lines), parameters)[0].amount_usd
    assert top_up >= 0
    assert sum(amounts) + top_up == max(sum(amounts), Decimal(45000))


def test_a_term_sees_the_printed_lines_of_lower_codes_whatever_their_position():
    month = Period.month(ZONE, "2026-05")
    terms = [
        PricedTerm(1, 60, KEY, "Minimum", parameters={**AGREED, "lines": [40, 41]}),
        PricedTerm(2, 41, "recurring_fee@1", "Yard", parameters={"fee": "0.115", "per": "DAY"}),
        PricedTerm(3, 40, "recurring_fee@1", "Fee", parameters={"fee": "25000"}),
    ]
    priced, _ = price_terms(terms, PricingInputs("PPA-ALFA", 1, month, ZONE, "USD"))
    assert [(one.line_code, str(sheet.amount_usd)) for one, sheet in priced] == [
        (40, "25000.00"), (41, "3.57"), (60, "19996.43"),
    ]  # fmt: skip
