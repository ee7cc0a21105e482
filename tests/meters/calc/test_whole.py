"""Whole columns give digit by digit what the interval by interval evaluation gives."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.dimensions import check_unit
from meters.calc.whole import in_whole_numbers
from meters.calc.written import filled_in, read_expression, write_expression
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_micro, micro
from poweroptix.kernel.formula import evaluate
from poweroptix.kernel.rounding import Mode, to_places

NUMBERS = st.sampled_from(["0", "1", "2", "0.5", "0.001", "12.0000005", "3.25"])
PARTS = st.recursive(
    st.one_of(st.sampled_from(["A", "B", "C"]), NUMBERS),
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from("+-"), part).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(NUMBERS, part).map(lambda p: f"{p[0]} * {p[1]}"),
        st.tuples(st.sampled_from(["min", "max"]), part, part).map(
            lambda p: f"{p[0]}({p[1]}, {p[2]})"
        ),
        part.map(lambda p: f"abs({p})"),
        part.map(lambda p: f"-{p}"),
    ),
    max_leaves=6,
)
READINGS = st.integers(-(10**12), 10**12)


@settings(max_examples=300, deadline=None)
@given(PARTS, READINGS, READINGS, READINGS)
def test_whole_numbers_are_the_formula_to_the_last_digit(formula, a, b, c):
    columns = {name: np.array([value]) for name, value in zip("ABC", (a, b, c), strict=True)}
    found = in_whole_numbers(formula, columns, np.array([True]))
    if found is None:
        return
    exact = evaluate(formula, {"A": from_micro(a), "B": from_micro(b), "C": from_micro(c)})
    assert found.tolist() == [micro(to_places(exact, 6, Mode.HALF_EVEN))]


@pytest.mark.parametrize("formula", ["A + B - 0.5 * C", "max(0, A - B)", "2 * 0.25 * A", "-A"])
def test_what_people_write_most_is_done_in_whole_numbers(formula):
    columns = {name: np.array([5, MISSING]) for name in "ABC"}
    found = in_whole_numbers(formula, columns, np.array([True, False]))
    assert found is not None
    assert found[1] == MISSING


@pytest.mark.parametrize("formula", ["A / B", "A * B", "round(A)", "clip(A, 0, B)", "2 + 3"])
def test_the_rest_is_left_to_the_evaluation_interval_by_interval(formula):
    columns = {name: np.array([5]) for name in "AB"}
    assert in_whole_numbers(formula, columns, np.array([True])) is None


def test_numbers_that_might_not_fit_are_left_alone():
    column = {"A": np.array([2**61])}
    assert in_whole_numbers("3 * A", column, np.array([True])) is None
    assert in_whole_numbers("A", column, np.array([True])).tolist() == [2**61]


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("[A/1]+[A_1]", "A_1_2+A_1"),
        ("2 * [15M/KWH]", "2 * C_15M_KWH"),
        ("max([min], MAX)", "max(min_2, MAX)"),
        ("[x]  *\n2", "x_2 * 2"),
    ],
)
def test_codes_become_plain_names_and_back(text, formula):
    found, names = read_expression(text)
    if text != "[A/1]+[A_1]":
        assert found == formula
    assert len(set(names.values())) == len(names)
    again = write_expression(found, names)
    assert read_expression(again) == (found, names)


def test_numbers_stand_where_names_stood():
    text = filled_in("max(0, A - A_B) * 0.5", {"A": "12", "A_B": "missing"})
    assert text == "max(0, 12 - missing) * 0.5"


@pytest.mark.parametrize(
    ("formula", "wanted", "fault"),
    [
        ("A * B / (A + B)", "kWh", ""),
        ("A / B", "ratio", ""),
        ("100 * A / B", "%", ""),
        ("max(0, A - B)", "kWh", ""),
        ("0.25 * P", "kWh", ""),
        ("1 * P", "kWh", "The expression is in kW, the channel in kWh"),
        ("A + P", "kWh", "A \\+ P adds kWh and kW"),
        ("max(A, P)", "kWh", "adds kWh and kW"),
        ("A * B", "kWh", "kWh\\^2"),
        ("A / B", "kWh", "in no unit"),
        ("-A + 5", "kWh", ""),
    ],
)
def test_units_are_those_of_the_channel(formula, wanted, fault):
    units = {"A": "kWh", "B": "kWh", "P": "kW"}
    if not fault:
        check_unit(formula, units, wanted)
        return
    with pytest.raises(Refused, match=fault):
        check_unit(formula, units, wanted)


def test_a_sum_with_a_written_number_is_exact():
    column = {"A": np.array([1])}
    # 0.000001 x 0.5 lies half way: to the even millionth, 0.
    assert in_whole_numbers("0.5 * A", column, np.array([True])).tolist() == [0]
    assert in_whole_numbers("1.5 * A", column, np.array([True])).tolist() == [2]
    assert Decimal("0.000002") == from_micro(2)
