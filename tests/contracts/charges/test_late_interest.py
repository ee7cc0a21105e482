from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.opening_carry import check_carry
from contracts.charges import Event, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from tests.contracts.builders import CHICAGO, charge, inputs, term
from tests.contracts.cases import example

KEY = "late_interest@1"
PRIME = [
    {"from_date": "2026-01-01", "rate_ratio": "0.095"},
    {"from_date": "2026-09-01", "rate_ratio": "0.0925"},
]
AGREED = {
    "rates": PRIME,
    "method": "SIMPLE",
    "day_count": "ACTUAL_365",
    "tax": "EXCLUDED",
    "billed": "WHEN_PAID",
}


def item(amount="1284500.37", due="2026-08-20", paid="2026-09-14", **more):
    payments = [] if paid is None else [{"date": paid, "amount_usd": amount}]
    entry = {"reference": "INV-1", "amount_usd": amount, "due_date": due, "payments": payments}
    return entry | more


def interest(*items, label="2026-09", **change):
    given_month = inputs(label, term=term("Late interest", 90))
    return charge(KEY, given_month, AGREED | change, {"open_items": list(items)})[0]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("actual_365", {}),
        ("actual_360", {"day_count": "ACTUAL_360"}),
        (
            "flat_1_5_pct_per_month_or_part",
            {
                "method": "FLAT_PER_MONTH",
                "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.015"}],
            },
        ),
    ],
)
def test_a38(name, change):
    case = example("A38")
    sheet = interest(item(case["inputs"]["amount"]), **change)
    assert str(sheet.amount_usd) == case["expected"][name]
    if not change:
        assert [row.quantity.inputs[1].value for row in sheet.rows] == [11, 14]
        assert sheet.rows[0].sentence() == "14129504.07 USD-day x 0.095 ratio / 365"
        assert sheet.rows[0].quantity.sentence() == "1284500.37 USD x 11 count"


@pytest.mark.parametrize(
    ("day_count", "amount"), [("ACTUAL_365", "591.78"), ("ACTUAL_ACTUAL", "590.16")]
)
def test_days_of_a_leap_year(day_count, amount):
    """60 days of 2028 with 29 February: 36,000 x 60 x 0.1 over 365 or over 366."""
    rates = [{"from_date": "2026-01-01", "rate_ratio": "0.1"}]
    late = item("36000.00", "2028-01-15", "2028-03-15")
    assert str(interest(late, label="2028-03", rates=rates, day_count=day_count).amount_usd) == (
        amount
    )


def test_a_year_that_begins_inside_changes_the_divisor():
    rates = [{"from_date": "2026-01-01", "rate_ratio": "0.1"}]
    late = item("36600.00", "2027-12-30", "2028-01-02")
    sheet = interest(late, label="2028-01", rates=rates, day_count="ACTUAL_ACTUAL")
    assert [(row.quantity.inputs[1].value, row.unit_divisor) for row in sheet.rows] == [
        (1, 365), (2, 366),
    ]  # fmt: skip


def test_parts_are_paid_on_their_own_days_and_tax_bears_nothing_unless_agreed():
    parts = [
        {"date": "2026-09-10", "amount_usd": "600.00"},
        {"date": "2026-10-20", "amount_usd": "400.00"},
    ]
    late = item("1000.00", "2026-08-31", None, payments=parts, tax_usd="100.00")
    # 600 x 90 % x 10 days, then 400 x 90 % x 50 days
    first, second = (interest(late, label=label) for label in ("2026-09", "2026-10"))
    assert first.rows[0].quantity.inputs[0].sentence() == (
        "600.00 USD x (1000.00 USD - 100.00 USD) / 1000.00 USD"
    )
    assert [str(one.amount_usd) for one in (first, second)] == ["1.37", "4.56"]
    assert str(interest(late, label="2026-10", tax="INCLUDED").amount_usd) == "5.07"


def test_each_period_bills_its_days_also_of_what_is_still_open():
    late = item("36500.00", "2026-08-20", None)
    months = [interest(late, label=label, billed="EACH_PERIOD") for label in ("2026-08", "2026-09")]
    assert [str(one.amount_usd) for one in months] == ["104.50", "277.50"]
    assert str(interest(late).amount_usd) == "0.00"  # billed when it is paid
    assert str(interest(late, label="2026-07", billed="EACH_PERIOD").amount_usd) == "0.00"


def test_compound_interest_joins_the_amount_at_the_end_of_a_month():
    rates = [{"from_date": "2026-01-01", "rate_ratio": "0.12"}]
    late = item("36500.00", "2026-08-31", "2026-10-31")
    sheet = interest(late, label="2026-10", rates=rates, method="COMPOUND_MONTHLY")
    # September 36,500 x 30 x 0.12 / 365 = 360; October 36,860 x 31 x 0.12 / 365
    assert str(sheet.amount_usd) == "735.67"
    assert sheet.rows[1].quantity.sentence() == "(36500.00 USD + 360.0000 USD) x 31 count"


def test_what_is_paid_in_time_costs_nothing():
    sheet = interest(item(paid="2026-08-20"), item(paid="2026-08-02", reference="INV-2"))
    assert (str(sheet.amount_usd), sheet.findings) == ("0.00", ())
    assert str(interest().amount_usd) == "0.00"


def test_a_period_that_is_not_told_has_no_amount_and_says_how_to_tell_it():
    sheet, _ = charge(KEY, inputs("2026-09", term=term("Late interest", 90)), AGREED, {})
    assert sheet.amount_usd is None
    [found] = sheet.findings
    assert found.message == ("it is not known what was owed when 2026-09 began")
    assert "once, with the opening balance of 2026-09 (an empty list if" in found.fix


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (item(tax_usd="9999999"), "the tax in it is 9999999, more than the 1284500.37 due"),
        (item("5.00", payments=[{"date": "2026-09-01", "amount_usd": "6"}]), "payments come to 6"),
        (item(due="soon"), "due_date: must be a date"),
        (item("0"), "below the smallest allowed value 0.01"),
        (item(due="1900-01-01"), "interest is counted over 14640 at most"),
        (item(due="2025-12-31"), "there is no rate for 2026-01-01"),
    ],
)
def test_open_items_that_cannot_be_meant(entry, said):
    change = {}
    if "no rate" in said:
        change = {"rates": [{"from_date": "2026-02-01", "rate_ratio": "0.1"}]}
    with pytest.raises(Refused, match=said):
        interest(entry, **change)


def test_an_item_that_stands_there_twice_is_refused():
    with pytest.raises(Refused, match="open item INV-1 stands there twice"):
        interest(item(), item())


@pytest.mark.parametrize("name", sorted(AGREED))
def test_what_bills_differ_on_must_be_said(name):
    with pytest.raises(Refused, match=f"{name}: is required"):
        charge_type(KEY).parse({key: value for key, value in AGREED.items() if key != name})


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.integers(1, 10**8), st.sampled_from(["SIMPLE", "COMPOUND_MONTHLY"]))
def test_months_of_a_debt_add_up_to_its_interest_when_paid(days, cents, method):
    due = date(2026, 3, 17)
    paid = due + timedelta(days=days)
    late = item(str(Decimal(cents) / 100), due.isoformat(), paid.isoformat())
    period, exact = Period.month(CHICAGO, "2026-03"), Fraction(0)
    while period.first_date <= paid:
        sheet = interest(late, label=period.label, billed="EACH_PERIOD", method=method)
        exact += Fraction(sheet.exact_usd)
        period = period.next()
    whole = interest(late, label=f"{paid:%Y-%m}", method=method)
    assert abs(exact - Fraction(whole.exact_usd)) < Fraction(1, 10**30)


def at(day, kind, **values):
    noon = datetime.combine(date.fromisoformat(day), time(17), UTC)  # in Chicago the same day
    return Event(kind, noon, noon, {"reference": "INV-1"} | values, f"{kind} of {day}")


def due(day="2026-08-20", amount="1284500.37", **values):
    return at(day, "open_item@1", amount_usd=amount, **{"tax_usd": "0"} | values)


def paid(day, amount, **values):
    return at(day, "payment@1", amount_usd=amount, **values)


def through(label, carry, *events, **change):
    given_month = inputs(label, term=term("Late interest", 90), events=events)
    return charge(KEY, given_month, AGREED | change, carry)


def test_what_falls_due_and_is_paid_while_the_contract_runs_is_carried_and_charged():
    empty = {"open_items": []}
    july, carry = through("2026-07", empty)
    assert (str(july.amount_usd), carry) == ("0.00", empty)
    august, carry = through("2026-08", carry, due())
    assert str(august.amount_usd) == "0.00"
    assert [one["reference"] for one in carry["open_items"]] == ["INV-1"]
    september, carry = through("2026-09", carry, paid("2026-09-14", "1284500.37"))
    assert str(september.amount_usd) == str(interest(item()).amount_usd) == "8234.88"
    assert carry == empty


def test_a_part_is_paid_and_the_rest_goes_on():
    _, carry = through("2026-08", {"open_items": []}, due("2026-08-31", "1000.00", tax_usd="100"))
    first, carry = through("2026-09", carry, paid("2026-09-10", "600.00"))
    second, carry = through("2026-10", carry, paid("2026-10-20", "400.00"))
    assert [str(one.amount_usd) for one in (first, second)] == ["1.37", "4.56"]
    assert carry == {"open_items": []}


def test_an_opening_item_is_paid_by_an_event_and_a_stated_payment_waits_for_its_month():
    opening = {"open_items": [item(paid="2026-10-05")]}
    sheet, carry = through("2026-09", opening)
    assert (str(sheet.amount_usd), len(carry["open_items"])) == ("0.00", 1)
    assert str(through("2026-10", carry)[0].amount_usd) != "0.00"
    sheet, carry = through("2026-09", {"open_items": [item(paid=None)]}, paid("2026-09-14", "1.00"))
    assert sheet.amount_usd > 0
    assert carry["open_items"][0]["payments"] == [{"date": "2026-09-14", "amount_usd": "1.00"}]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ((paid("2026-09-14", "1"),), "INV-1 is not owed; known: nothing"),
        ((due("2026-09-01"), due("2026-09-02")), "INV-1 is owed already; correct one of them"),
        ((due("2026-09-01", "5"), paid("2026-09-02", "6")), "more than the 5 due"),
    ],
)
def test_events_that_contradict_what_is_owed_are_refused(events, said):
    with pytest.raises(Refused, match=said):
        through("2026-09", {"open_items": []}, *events)


def test_events_alone_do_not_say_what_was_owed_before():
    sheet, carry = through("2026-09", {}, due("2026-09-01"))
    assert (sheet.amount_usd, carry) == (None, {})


def test_an_opening_balance_of_open_items_is_read_when_it_is_entered():
    check_carry({"90": {"open_items": [item()]}, "22": {"kw": {"2026-06-18T22:00:00Z": "1"}}})
    with pytest.raises(Refused, match="open item 1: reference: is required"):
        check_carry({"90": {"open_items": [{"amount_usd": "1", "due_date": "2026-08-20"}]}})
    with pytest.raises(Refused, match="'June' is not an instant"):
        check_carry({"22": {"kw": {"June": "1"}}})


def test_halves_of_a_month_bill_their_own_days():
    late = item("36500.00", "2026-09-05", None)
    halves = [(date(2026, 9, 1), date(2026, 9, 14)), (date(2026, 9, 15), date(2026, 9, 30))]
    terms = AGREED | {"billed": "EACH_PERIOD"}
    amounts = [
        str(
            charge(
                KEY,
                inputs("2026-09", term=term("Late interest", 90), in_force=half),
                terms,
                {"open_items": [late]},
            )[0].amount_usd
        )
        for half in halves
    ]
    assert amounts == ["83.25", "148.00"]  # 9 and 16 days of 9.25
