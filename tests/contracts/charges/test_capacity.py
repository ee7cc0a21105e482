from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.charges import Event, TermContext, charge_type
from poweroptix.kernel.errors import Refused
from tests.contracts.builders import amount, charge, inputs, term

KEY = "capacity@1"
TERMS = {"capacity_kw": "100000", "rate": "14.25"}


def month(**more):
    return inputs("2026-05", term=term("Capacity", 21), **more)


def test_whole_month():
    assert amount(KEY, month(), TERMS) == "1425000.00"


def test_part_month_pays_days_over_days_of_the_month():
    given = month(in_force=(date(2026, 5, 18), date(2026, 5, 31)))
    sheet, _ = charge(KEY, given, TERMS)
    # 100,000 x 14 / 31 x 14.25 = 643,548.387...
    assert str(sheet.amount_usd) == "643548.39"
    assert sheet.rows[0].sentence() == "1400000 kW-day x 14.25 USD/kW-month / 31"


def test_two_halves_of_a_month_make_the_whole():
    halves = [(date(2026, 5, 1), date(2026, 5, 17)), (date(2026, 5, 18), date(2026, 5, 31))]
    parts = [Decimal(amount(KEY, month(in_force=half), TERMS)) for half in halves]
    assert sum(parts) == Decimal("1425000.00")


def test_tested_capacity_steps_inside_the_month():
    terms = {**TERMS, "steps": [{"from_date": "2026-05-11", "capacity_kw": "96500"}]}
    sheet, _ = charge(KEY, month(), terms)
    assert [row.label for row in sheet.rows] == ["Capacity, 10 days", "Capacity, 21 days"]
    # (100,000 x 10 + 96,500 x 21) / 31 x 14.25 = 1,391,213.709...
    assert str(sheet.amount_usd) == "1391213.71"


def test_steps_before_and_after_the_month():
    terms = {
        **TERMS,
        "steps": [
            {"from_date": "2026-01-01", "capacity_kw": "90000"},
            {"from_date": "2026-06-01", "capacity_kw": "80000"},
        ],
    }
    assert amount(KEY, month(), terms) == "1282500.00"


def test_monthly_availability():
    terms = {**TERMS, "availability": "MONTHLY"}
    given = month(facts={"availability_ratio": "0.964"})
    sheet, _ = charge(KEY, given, terms)
    assert str(sheet.amount_usd) == "1373700.00"
    assert sheet.rows[0].quantity.sentence() == "100000 kW x 0.964 ratio"


def test_availability_that_is_not_known_blocks():
    sheet, _ = charge(KEY, month(), {**TERMS, "availability": "MONTHLY"})
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "availability_ratio of 2026-05 is not known"


@pytest.mark.parametrize("text", ["NaN", "1e400x", 0.96])
def test_availability_that_is_no_number_is_refused(text):
    given = month(facts={"availability_ratio": text})
    with pytest.raises(Refused, match="is not a plain decimal number"):
        charge(KEY, given, {**TERMS, "availability": "MONTHLY"})


def test_steps_out_of_order_are_found():
    kind = charge_type(KEY)
    steps = [
        {"from_date": "2026-05-11", "capacity_kw": "1"},
        {"from_date": "2026-05-01", "capacity_kw": "2"},
    ]
    found = kind.check(kind.parse({**TERMS, "steps": steps}), TermContext())
    assert [finding.message for finding in found] == [
        "the step of 2026-05-01 comes after 2026-05-11; put them in order"
    ]


def test_capacity_of_nothing_is_refused():
    with pytest.raises(Refused, match=r"capacity_kw: 0 is below the smallest allowed value 0.001"):
        charge_type(KEY).parse({**TERMS, "capacity_kw": "0"})


def test_version_that_holds_on_no_day_of_the_month_is_refused():
    given = month(in_force=(date(2026, 7, 1), date(2026, 7, 31)))
    with pytest.raises(Refused, match="version 1 of PPA-ALFA does not hold on any day of 2026-05"):
        charge(KEY, given, TERMS)


def test_tested_capacities_may_be_entered_as_events():
    """The same steps as in the terms, and a test of March that counts until the one in May."""
    steps = TERMS | {"steps": [{"from_date": "2026-05-11", "capacity_kw": "96500"}]}
    tests = (
        Event("capacity_test@1", *[datetime(2026, 3, 2, 18, tzinfo=UTC)] * 2, {"capacity_kw": "1"}),
        Event(
            "capacity_test@1",
            *[datetime(2026, 4, 2, 18, tzinfo=UTC)] * 2,
            {"capacity_kw": "100000"},
        ),
        Event(
            "capacity_test@1",
            *[datetime(2026, 5, 11, 18, tzinfo=UTC)] * 2,
            {"capacity_kw": "96500"},
        ),
    )
    entered = month(events=tests)
    assert amount(KEY, entered, TERMS | {"tested": "EVENTS"}) == amount(KEY, month(), steps)
    assert amount(KEY, entered, TERMS) == "1425000.00"


def test_the_availability_may_come_from_outages():
    """74.4 of 744 hours lost: 0.9."""
    start = datetime(2026, 5, 4, tzinfo=UTC)
    trip = Event(
        "outage@1",
        start,
        start + timedelta(hours=74, minutes=24),
        {"category": "FORCED", "caused_by": "SELLER"},
    )
    terms = TERMS | {"availability": "OUTAGES", "excused": "PLANNED"}
    assert amount(KEY, month(events=(trip,)), terms) == "1282500.00"
    with pytest.raises(Refused, match="excused: say it exactly when the availability is that of"):
        amount(KEY, month(), TERMS | {"availability": "OUTAGES"})
