from datetime import date
from decimal import Decimal

import pytest

from contracts.charges import TermContext, charge_type
from tests.contracts.builders import amount, charge, inputs, term
from tests.contracts.cases import example

KEY = "recurring_fee@1"


def month(label="2026-05", **more):
    return inputs(label, term=term("Site fee", 40), **more)


@pytest.mark.parametrize("rule", ["ACTUAL_MONTH", "THIRTY_360", "ACTUAL_365"])
def test_a35_first_part_month(rule):
    given = month(in_force=(date(2026, 5, 18), date(2026, 5, 31)))
    assert (
        amount(KEY, given, {"fee": "25000", "proration": rule}) == example("A35")["expected"][rule]
    )


@pytest.mark.parametrize(("year", "fee"), [(2027, "12328.77"), (2028, "12295.08")])
def test_days_over_the_days_of_the_year(year, fee):
    last = 28 + (year == 2028)
    given = month(f"{year}-02", in_force=(date(year, 2, last - 14), date(year, 2, last)))
    assert amount(KEY, given, {"fee": "25000", "proration": "ACTUAL_YEAR"}) == fee


@pytest.mark.parametrize("rule", ["ACTUAL_MONTH", "THIRTY_360", "ACTUAL_365", "ACTUAL_YEAR"])
@pytest.mark.parametrize("label", ["2026-02", "2026-05", "2026-11"])
def test_whole_month_pays_the_fee_itself(rule, label):
    assert amount(KEY, month(label), {"fee": "25000", "proration": rule}) == "25000.00"


def test_fee_per_day_counts_the_days_in_force():
    assert amount(KEY, month("2026-03"), {"fee": "12.5", "per": "DAY"}) == "387.50"


def test_fee_per_meter_from_parameter_and_from_fact():
    assert amount(KEY, month(), {"fee": "85.10", "per": "METER", "units": "7"}) == "595.70"
    counted = {"fee": "85.10", "per": "METER", "count": "FACT"}
    assert amount(KEY, month(facts={"meter_count": "9"}), counted) == "765.90"


def test_fee_per_kw_in_a_part_month():
    given = month(in_force=(date(2026, 5, 18), date(2026, 5, 31)))
    # 50,000 kW x 0.40 x 14 / 31 = 9,032.258...
    assert amount(KEY, given, {"fee": "0.40", "per": "KW", "units": "50000"}) == "9032.26"


def test_count_that_is_not_known_blocks():
    sheet, _ = charge(KEY, month(), {"fee": "1", "per": "METER", "count": "FACT"})
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "meter_count of 2026-05 is not known"


@pytest.mark.parametrize(
    ("anchor", "label", "dollars"),
    [
        ("2025-05-20", "2026-05", "9000.00"),
        ("2025-05-20", "2026-06", "0.00"),
        ("2024-02-29", "2026-02", "9000.00"),
        ("2026-05-20", "2026-05", "9000.00"),
    ],
)
def test_yearly_fee_falls_in_the_anniversary_month(anchor, label, dollars):
    given = month(label, anchor_date=date.fromisoformat(anchor))
    assert amount(KEY, given, {"fee": "9000", "per": "YEAR"}) == dollars


def test_yearly_fee_needs_the_anchor():
    kind = charge_type(KEY)
    found = kind.check(kind.parse({"fee": "1", "per": "YEAR"}), TermContext())
    assert [finding.message for finding in found] == [
        "a yearly fee needs the first day of contract year 1"
    ]


def test_a_credit_mirrors_its_charge():
    given = month(in_force=(date(2026, 5, 18), date(2026, 5, 31)))
    charged, credited = (amount(KEY, given, {"fee": fee}) for fee in ("25000", "-25000"))
    assert Decimal(charged) == -Decimal(credited)
