"""Escalators: step, indices with floor and cap, weights, what is not published, and the words."""

from datetime import date
from decimal import Decimal

import pytest

from contracts.calc.growth_words import growth
from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from tests.contracts.builders import CHICAGO, charge, inputs, spread
from tests.contracts.cases import example

KEY = "fixed_energy@1"
ANCHOR = date(2026, 7, 1)
CPI = {"escalator": "INDEX", "index_parts": [{"index": "CPI"}], "index_lag_months": 0}
LIMITED = {"index_limits": "YEAR_ON_YEAR", "floor_ratio": "0.01", "cap_ratio": "0.035"}


def priced(terms, year, kwh="10000000", months=None, **more):
    period = Period.month(CHICAGO, f"{year}-07")
    given = inputs(
        period=period,
        series=spread(period.grid(15), kwh),
        anchor_date=more.pop("anchor_date", ANCHOR),
        histories=months or {},
        **more,
    )
    return charge(KEY, given, terms)[0]


def case_months():
    words = example("A04")["inputs"]["index"].split("index (illustrative): ")[1]
    pairs = (pair.split() for pair in words.split(", "))
    return {"CPI": {f"{year}-07": value for year, value in pairs}}


@pytest.mark.parametrize("year", [2027, 2028, 2029, 2030])
@pytest.mark.parametrize("limits", ["YEAR_ON_YEAR", "CUMULATIVE", "CARRY_FORWARD"])
@pytest.mark.parametrize("rounding", ["ONCE", "EVERY_YEAR"])
def test_a04_three_ways_of_floor_and_cap(year, limits, rounding):
    expected = example("A04")["expected"]
    name = "cumulative_band" if limits == "CUMULATIVE" else limits.lower()
    terms = {"price": "58", **CPI, **LIMITED, "index_limits": limits, "index_rounding": rounding}
    sheet = priced(terms, year, months=case_months())
    assert sheet.rows[0].rate.value == Decimal(expected[str(year)][name])
    if year == 2030:
        amounts = expected["amount_2030_for_10000.000_MWh"]
        assert str(sheet.amount_usd) == amounts[name]
    assert sheet.findings == ()


def test_what_the_cap_cut_is_used_once_and_shown():
    terms = {"price": "58", **CPI, **LIMITED, "index_limits": "CARRY_FORWARD"}
    rate = priced(terms, 2030, months=case_months()).rows[0].rate
    applied = {one.name: one for one in rate.inputs[1].inputs}
    third = applied["applied_year_4"]  # 0.5001 % and the 0.5 % that 2028 cut
    assert f"{third.value:.6f}" == "0.010001"
    [bank] = [one for one in third.inputs if one.name == "bank_year_3"]
    assert f"{bank.value:.4f}" == "0.0050"
    assert "what the cap cut" in bank.note
    source = third.inputs[0].inputs[0].inputs[0].source
    assert source.label == "CPI of 2029-07, as first published"


@pytest.mark.parametrize(("year", "price"), [(2026, "50"), (2027, "51.25"), (2035, "61.25")])
def test_a_step_adds_the_same_amount_every_year(year, price):
    terms = {"price": "50", "escalator": "STEP", "escalator_step": "1.25"}
    assert priced(terms, year).rows[0].rate.value == Decimal(price)


def test_a_step_inside_the_month_makes_two_rows():
    terms = {"price": "50", "escalator": "STEP", "escalator_step": "-0.5"}
    sheet = priced(terms, 2027, anchor_date=date(2026, 7, 15))
    assert [str(row.rate.value) for row in sheet.rows] == ["50", "49.5000"]


def test_weights_and_a_fixed_part_make_one_ratio():
    parts = [
        {"weight_ratio": "0.6"},
        {"index": "WAGES", "weight_ratio": "0.25"},
        {"index": "STEEL", "weight_ratio": "0.15", "base_value": "200"},
    ]
    terms = {"price": "50", **CPI, "index_parts": parts, "index_limits": "NONE"}
    months = {"WAGES": {"2026-07": "120", "2027-07": "126"}, "STEEL": {"2027-07": "190"}}
    rate = priced(terms, 2027, months=months).rows[0].rate
    assert rate.value == Decimal("50.2500")
    assert rate.inputs[1].formula == (
        "weight_1 + weight_2 * index_2 / base_2 + weight_3 * index_3 / base_3"
    )


def test_lag_and_reference_month_say_which_month_is_read():
    terms = {"price": "50", **CPI, "index_limits": "NONE", "index_lag_months": 2}
    months = {"CPI": {"2025-10": "100", "2026-05": "104", "2026-10": "103", "2027-05": "109.2"}}
    assert priced(terms, 2027, months=months).rows[0].rate.value == Decimal("52.5")
    october = terms | {"index_month": 10}
    assert priced(october, 2027, months=months).rows[0].rate.value == Decimal("51.5")
    stated = october | {"index_base_month": "2026-05"}
    assert priced(stated, 2027, months=months).rows[0].rate.value == Decimal("49.5192")


def test_a_price_may_follow_every_month():
    terms = {"price": "40", **CPI, "index_limits": "NONE", "index_turns": "MONTH"}
    terms |= {"index_lag_months": 1, "index_base_month": "2026-01"}
    months = {"CPI": {"2026-01": "100", "2026-05": "101.5", "2026-06": "102"}}
    assert priced(terms, 2026, months=months).rows[0].rate.value == Decimal("40.8")
    del months["CPI"]["2026-06"]
    sheet = priced(terms, 2026, months=months)
    assert sheet.rows[0].rate.value == Decimal("40.6")
    assert sheet.findings[0].message == (
        "CPI of 2026-06 is not published; the price is the last one, of 2026-05, and provisional"
    )


def test_the_band_of_a_price_that_follows_every_month_widens_with_the_contract_year():
    terms = {"price": "40", **CPI, **LIMITED, "index_limits": "CUMULATIVE", "index_turns": "MONTH"}
    months = {"CPI": {"2026-07": "100", "2027-07": "110"}}
    first = terms | {"index_base_month": "2026-01"}
    months["CPI"]["2026-01"] = "90"
    assert priced(first, 2026, months=months).rows[0].rate.value == 40
    assert priced(terms, 2027, months=months).rows[0].rate.value == Decimal("41.4")


def test_an_index_that_is_not_published_leaves_the_last_price_and_says_so():
    months = case_months()
    del months["CPI"]["2030-07"]
    sheet = priced({"price": "58", **CPI, **LIMITED}, 2030, months=months)
    assert sheet.rows[0].rate.value == Decimal("62.4492")
    assert str(sheet.amount_usd) == "624492.00"
    [finding] = sheet.findings
    assert (finding.code, finding.severity) == ("contracts.index_provisional", "WARN")
    assert finding.message == (
        "CPI of 2030-07 is not published; the price is the last one, of contract year 4, and "
        "provisional"
    )
    assert priced({"price": "58", **CPI, **LIMITED}, 2026, months={"CPI": {}}).findings == ()


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"index_parts": []}, "index_parts", "name at least one index that the price follows"),
        (
            {"index_parts": [{"index": "CPI", "weight_ratio": "0.9"}]},
            "index_parts",
            "the weights add up to 0.9, not to 1",
        ),
        (
            {"index_lag_months": None},
            "index_lag_months",
            "say how many months before the turn the index is read",
        ),
        ({"index_limits": ""}, "index_limits", "say how floor and cap act, or NONE"),
        (
            {"index_limits": "NONE"},
            "index_limits",
            "NONE goes without floor and cap, the others need one of them",
        ),
        ({"floor_ratio": "0.04"}, "floor_ratio", "0.04 is above the cap 0.035"),
        (
            {"index_turns": "MONTH"},
            "index_limits",
            "a price that follows every month has no change by the year",
        ),
        (
            {"index_base_month": "May 2026"},
            "index_base_month",
            "'May 2026' is not a month such as 2026-01",
        ),
    ],
)
def test_what_an_index_clause_leaves_open_is_refused_at_its_field(change, field, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse({"price": "58", **CPI, **LIMITED, **change})
    assert [(one.where, one.message) for one in caught.value.findings] == [(field, message)]


def test_an_index_that_nobody_supplies_is_refused_by_name():
    with pytest.raises(Refused, match="no index 'CPI'; known: none"):
        priced({"price": "58", **CPI, **LIMITED}, 2027)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (
            {"escalator": "STEP", "escalator_step": "1.25"},
            ", plus $1.25 each 1 July",
        ),
        (
            {**CPI, **LIMITED, "index_lag_months": 3, "index_limits": "CARRY_FORWARD"},
            ", following Consumer prices each 1 July: the index 3 months before, as first "
            "published, over that of the first contract year; the price changes by at least 1 % "
            "and at most 3.5 % in any one year, and what the most cuts off counts in later years; "
            "until an index is published the last price holds, rounded to 4 places",
        ),
        (
            {
                **CPI,
                "index_limits": "NONE",
                "index_turns": "MONTH",
                "index_month": 9,
                "index_base_month": "2025-09",
                "index_parts": [
                    {"weight_ratio": "0.4"},
                    {"index": "CPI", "weight_ratio": "0.6"},
                ],
            },
            ", following 40 % that stay fixed and Consumer prices with 60 % each month: the index "
            "of the last September up to then, as first published, over that of September 2025; "
            "until an index is published the last price holds, rounded to 4 places",
        ),
    ],
)
def test_growth_is_said_in_words(terms, said):
    context = TermContext(anchor_date=ANCHOR, titles={"CPI": "Consumer prices"})
    assert growth(charge_type(KEY).parse({"price": "58", **terms}), context) == said
