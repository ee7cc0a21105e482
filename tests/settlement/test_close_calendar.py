"""The calendar of a month: business days, holidays, steps on steps; and what is too small."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from settlement.calc.close_calendar import (
    BUSINESS,
    PERIOD_END,
    Offset,
    due_dates,
    is_business_day,
    read_steps,
    usual_steps,
)
from settlement.calc.materiality import held_findings, owed_usd, told_apart
from tests.contracts.cases import example

AUGUST = date(2026, 8, 31)


def test_case_c07_the_calendar_of_a_month_with_holidays():
    case = example("C07")
    holidays = {date.fromisoformat(day) for day in case["inputs"]["holidays"].split(", ")}
    found = due_dates(AUGUST, read_steps(usual_steps()), holidays)
    assert {step: day.isoformat() for step, day in found.items()} == case["expected"]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 60), st.sets(st.dates()))
def test_business_days_are_counted_one_by_one(last, days, holidays):
    steps = [Offset("final", PERIOD_END, days, BUSINESS)]
    found = due_dates(last, steps, holidays)["final"]
    between = [date.fromordinal(at) for at in range(last.toordinal() + 1, found.toordinal() + 1)]
    assert sum(is_business_day(day, holidays) for day in between) == days
    assert days == 0 or is_business_day(found, holidays)


def test_the_rule_of_a_step_in_words():
    steps = {one.step: one.words() for one in read_steps(usual_steps())}
    assert steps["final"] == "10 business days after the end of the month"
    assert steps["due"] == "20 calendar days after final run approved"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": "lunch"}, "Step 1: there is no step 'lunch'; known: preliminary"),
        ({"after": "due"}, "Step 1: 'final' counts from 'due', which is no step before it"),
        ({"count": "WORKING"}, "count is 'WORKING'; use BUSINESS or CALENDAR"),
        ({"days": "ten"}, "days is 'ten'; use a whole number from 0 to 1500"),
        ({"days": True}, "days is True; use a whole number"),
        ({"colour": 1}, "Step 1: it needs exactly after, count, days, step"),
    ],
)
def test_steps_that_cannot_be_counted_are_refused(change, message):
    row = {"step": "final", "after": PERIOD_END, "days": 10, "count": BUSINESS}
    with pytest.raises(Refused, match=message):
        read_steps([row | change])


def test_a_step_stands_there_once_and_there_is_one():
    row = {"step": "final", "after": PERIOD_END, "days": 10, "count": BUSINESS}
    with pytest.raises(Refused, match="Step 2: 'final' stands there twice"):
        read_steps([row, row])
    with pytest.raises(Refused, match="Name at least one step"):
        read_steps([])


def correction(period, *cents):
    deltas = [
        {"before_usd": "100.00", "after_usd": format(100 + Decimal(one) / 100, "f")}
        for one in cents
    ]
    return {"period": period, "deltas": deltas}


def test_small_corrections_are_carried_until_their_sum_reaches_the_limit():
    march, april = correction("2026-03", 60, -20), correction("2026-04", 55)
    limit = Decimal("1.00")
    assert told_apart([march, april], limit)[0] == ()
    billed, held = told_apart([march, april, correction("2026-05", 5)], limit)
    assert (len(billed), held) == (3, ())
    [said] = held_findings(told_apart([march], limit)[1], "USD")
    assert said.severity == "INFO"
    assert said.message == (
        "The correction of 2026-03, 0.40 USD, is below the limit of 1.00 USD: "
        "it is carried, not billed."
    )


def test_two_large_corrections_that_cancel_are_billed():
    both = [correction("2026-03", 900), correction("2026-04", -900)]
    assert told_apart(both, Decimal("5.00")) == (tuple(both), ())


@given(st.lists(st.integers(-500, 500), max_size=6), st.integers(0, 1000))
def test_nothing_is_lost_and_nothing_is_billed_twice(cents, limit):
    found = [correction(f"2026-{at:02d}", one) for at, one in enumerate(cents, 1)]
    billed, held = told_apart(found, Decimal(limit) / 100)
    assert not (billed and held)
    assert len(billed) + len(held) == len(found)
    kept = sum(Decimal(one["amount_usd"]) for one in held)
    assert sum(map(owed_usd, billed)) + kept == sum(map(owed_usd, found))
    assert not limit or abs(kept) < Decimal(limit) / 100
