"""Exact comparison, local days and words of numbers, on which the rules rest."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.validation._compare import above, cleared, interval_micro, number, plain, unit_factor
from meters.validation._days import local_days
from meters.validation._plant import below, over, wanting
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from tests.meters.validation.makers import START, ZONE, D, series

whole = st.integers(-(2**63) + 1, 2**63 - 1)
ratios = st.fractions(0, 1000, max_denominator=10**6)


@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=20), ratios)
def test_above_is_what_the_fractions_say(pairs, factor):
    left, right = (np.array(each, dtype=np.int64) for each in zip(*pairs, strict=True))
    assert above(left, factor, right).tolist() == [a > factor * b for a, b in pairs]


def test_above_of_nothing_is_nothing():
    nothing = np.zeros(0, dtype=np.int64)
    assert above(nothing, Fraction(1, 3), nothing).tolist() == []


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1), st.fractions(-(10**6), 10**6))
def test_over_and_below_a_limit_between_integers(values, limit):
    array, where = np.array(values), np.ones(len(values), dtype=bool)
    assert over(array, limit, where).tolist() == [value > limit for value in values]
    assert below(array, limit, where).tolist() == [value < limit for value in values]


@given(st.lists(st.integers(0, 2**63 - 1), min_size=200, max_size=200))
def test_sums_of_days_never_overflow(values):
    days = local_days(Grid(START, 15, 200), ZONE)
    assert [int(each) for each in days.sums(np.array(values, dtype=np.int64))] == [
        sum(values[:96]),
        sum(values[96:192]),
        sum(values[192:]),
    ]


@pytest.mark.parametrize(("month", "short", "length"), [("2026-03", 7, 92), ("2026-11", 0, 100)])
def test_days_follow_the_local_clock(month, short, length):
    period = Period.month(ZONE, month)
    days = local_days(period.grid(15), ZONE)
    assert len(days) == len(period.days())
    assert days.counts[short] == length
    assert days.date(short) == period.first_date + dt.timedelta(days=short)
    first, end = days.bounds(short)
    assert end - first == length
    assert days.span(0, len(days)) == (0, period.grid(15).count)


def test_no_intervals_have_no_days():
    days = local_days(Grid(START, 15, 0), ZONE)
    assert len(days) == 0
    assert days.sums(np.zeros(0, dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        (Fraction(1, 3), "0.333333"),
        (Fraction(-1, 3), "-0.333333"),
        (Fraction(-1, 10**9), "0"),
        (D("1200.500"), "1200.5"),
        (1200, "1200"),
        (D(10) ** 25, "1" + "0" * 25),
    ],
)
def test_numbers_are_printed_plainly(given_, shown):
    assert f"{plain(given_):f}" == shown


def test_units():
    assert number(1_234_500) == D("1.2345")
    assert interval_micro(series([1]), D(50_000)) == 12_500 * 10**6
    assert interval_micro(series([1], unit="kW"), D(50_000)) == 50_000 * 10**6
    assert unit_factor(series([1]), series([1])) == 1
    assert unit_factor(series([1]), series([1], unit="kW")) == Fraction(1, 4)
    assert unit_factor(series([1], unit="kVArh"), series([1], unit="kW")) is None


def test_what_is_wanting_is_said_in_order():
    assert wanting((None, "a clock"), (0, "a zero"), ("", "a name")) == "a clock and a name"
    assert wanting((1, "a clock")) == ""


def test_cleared_keeps_what_counts():
    values = np.array([1, 2, 3])
    assert cleared(values, np.array([True, False, True])).tolist() == [1, 0, 3]
    assert cleared(values, np.ones(3, dtype=bool)) is values
