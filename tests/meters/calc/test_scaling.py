"""Scaling to a register: exact sums, what may move, and what is refused."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.scaling import scale_all, scale_buckets, scale_series, scale_to_register
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import series


def numbers(values):
    return [Decimal(str(value)) for value in values]


def plain(values):
    return [f"{value:.3f}" for value in values]


@needs_cases
@pytest.mark.parametrize("name", ["C3", "C4"])
def test_scaling_examples(name):
    case, want = example(name)["given"], example(name)["expect"]
    scaled = scale_to_register(
        Decimal(case["register"]), Decimal(case["valid_sum"]), numbers(case["estimates"])
    )
    assert scaled.need == Decimal(want["need"])
    assert plain(scaled.values) == want["values"]
    assert sum(scaled.values) == Decimal(want["sum"])
    if want["factor"] is None:
        assert scaled.factor is None
    else:
        assert abs(scaled.factor - Fraction(want["factor"])) < Fraction(1, 10**6)


@needs_cases
def test_a_negative_rest_is_refused_and_says_by_how_much():
    case = example("C2")["given"]
    with pytest.raises(Refused, match="more was measured than the register counted") as refused:
        scale_to_register(
            Decimal(case["register"]), Decimal(case["valid_sum"]), numbers(case["estimates"])
        )
    assert refused.value.code == "scaling.sum_check"
    assert example("C2")["expect"]["need"] in str(refused.value.data["need"])
    assert "off by 50 kWh, allowed are 0. The estimates stay as they are." in str(refused.value)


@needs_cases
def test_adjust_all_example():
    case = example("C6")["given"]
    found = scale_all(numbers(case["intervals"]), Decimal(case["scalar"]))
    assert plain(found) == example("C6")["expect"]["values"]


def test_a_negative_rest_within_the_tolerance_sets_the_estimates_to_zero():
    scaled = scale_to_register(Decimal(100), Decimal(102), numbers([5, 7]), Decimal(2))
    assert (scaled.need, plain(scaled.values)) == (Decimal(-2), ["0.000", "0.000"])
    with pytest.raises(Refused, match=r"off by 2.001 kWh, allowed are 2"):
        scale_to_register(Decimal(100), Decimal("102.001"), numbers([5]), Decimal(2))


def test_without_an_estimate_the_sums_must_agree_within_the_tolerance():
    assert scale_to_register(Decimal(100), Decimal(98), [], Decimal(2)).values == ()
    with pytest.raises(Refused, match="nothing was estimated that could take up the rest"):
        scale_to_register(Decimal(100), Decimal("97.999"), [], Decimal(2))


def test_an_estimate_below_zero_and_too_many_decimals_are_refused():
    with pytest.raises(Refused, match="below zero"):
        scale_to_register(Decimal(1), Decimal(0), numbers([-1, 2]))
    with pytest.raises(Refused, match="more than 6 decimals"):
        scale_to_register(Decimal("0.0000001"), Decimal(0), numbers([1]))


def test_the_worksheet_gives_the_values_again():
    sheet = scale_to_register(Decimal(500), Decimal(450), numbers([1, 3])).worksheet
    rest = Decimal(sheet["register"]) - Decimal(sheet["measured"])
    estimates = numbers(sheet["estimates"])
    assert [e * rest / sum(estimates) for e in estimates] == numbers(sheet["values"])
    assert sheet["rest"] == "50"


energies = st.decimals(0, 10**6, places=6)


@given(st.lists(energies, max_size=30), st.lists(energies, min_size=1, max_size=30), energies)
def test_measured_and_estimated_equal_the_register_to_the_last_digit(measured, estimates, rest):
    register = sum(measured, Decimal(0)) + rest
    scaled = scale_to_register(register, sum(measured, Decimal(0)), estimates)
    assert sum(measured, Decimal(0)) + sum(scaled.values) == register
    assert all(value >= 0 for value in scaled.values)
    assert scaled == scale_to_register(register, sum(measured, Decimal(0)), estimates)


@given(st.lists(energies, min_size=1, max_size=30), energies)
def test_adjust_all_keeps_the_total_and_order(values, target):
    found = scale_all(values, target)
    assert sum(found) == target
    if sum(values):
        ordered = sorted(zip(values, found, strict=True))
        step = Decimal("0.001")  # neighbours may swap their last digit
        assert all(x <= y + step or a == b for (a, x), (b, y) in pairwise(ordered))


def mixed():
    given_series = series([100, 10, 20, 100, 30])
    estimated = np.array([False, True, True, False, True])
    return given_series, estimated


def test_only_estimated_intervals_of_the_window_move():
    given_series, estimated = mixed()
    scaled, sheet = scale_series(given_series, estimated, slice(0, 4), Decimal(260))
    assert [str(v) for v in scaled.decimals()] == ["100", "20", "40", "100", "30"]
    assert scaled.slice(given_series.grid.start_utc, given_series.grid.start_of(4)).total() == 260
    assert scaled.status.tolist()[:3] == [Status.VALIDATED, Status.ESTIMATED, Status.ESTIMATED]
    assert sheet.factor == 2


def test_a_hole_between_the_reads_is_refused():
    given_series, estimated = series([100, None, 20]), np.array([False, False, True])
    with pytest.raises(Refused, match=r"1 intervals have neither .* 2026-03-02T06:15Z"):
        scale_series(given_series, estimated, slice(0, 3), Decimal(200))


def test_each_time_of_use_register_takes_its_own_intervals():
    given_series, estimated = mixed()
    buckets = np.array([1, 1, 2, 2, 2])
    scaled, sheets = scale_buckets(
        given_series, estimated, buckets, {1: Decimal(115), 2: Decimal(200)}
    )
    assert [str(v) for v in scaled.decimals()] == ["100", "15", "40", "100", "60"]
    assert (sheets[1].need, sheets[2].need) == (Decimal(15), Decimal(100))
    with pytest.raises(Refused, match="more was measured"):
        scale_buckets(given_series, estimated, buckets, {1: Decimal(99)})
