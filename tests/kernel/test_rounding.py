"""Named roundings against Fraction arithmetic, and the printed examples."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import (
    Mode,
    cumulative,
    cumulative_steps,
    display,
    estimate,
    kw,
    money,
    price,
    quantity,
    to_integer,
    to_places,
)

NUMBER = st.decimals(-(10**12), 10**12, places=6, allow_nan=False)
TIE = st.integers(-(10**9), 10**9).map(lambda n: Decimal(2 * n + 1) / 200)


def reference(number, places, mode):
    """Round a fraction by its definition, in integers."""
    scaled = abs(Fraction(number)) * 10**places
    whole = floor(scaled)
    rest = scaled - whole
    up = {
        Mode.DOWN: False,
        Mode.UP: rest > 0,
        Mode.HALF_UP: rest >= Fraction(1, 2),
        Mode.HALF_EVEN: rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1),
    }[mode]
    return Fraction((whole + up) * (-1 if number < 0 else 1), 10**places)


MODES = [Mode.HALF_UP, Mode.HALF_EVEN, Mode.UP, Mode.DOWN]


@pytest.mark.parametrize("mode", MODES)
class TestToPlaces:
    @given(number=NUMBER | TIE, places=st.integers(0, 6))
    def test_equals_the_definition(self, mode, number, places):
        assert Fraction(to_places(number, places, mode)) == reference(number, places, mode)

    @given(number=NUMBER | TIE)
    def test_mirrors_a_credit(self, mode, number):
        assert to_places(-number, 2, mode) == -to_places(number, 2, mode)

    @given(number=NUMBER | TIE, places=st.integers(0, 6))
    def test_gives_a_fraction_the_same_answer_as_a_decimal(self, mode, number, places):
        assert to_places(Fraction(number), places, mode) == to_places(number, places, mode)

    @given(number=NUMBER)
    def test_changes_nothing_the_second_time(self, mode, number):
        once = to_places(number, 2, mode)

        assert str(to_places(once, 2, mode)) == str(once)


class TestA40HalfUpAgainstHalfEven:
    """settlement.md, example A40."""

    @pytest.mark.parametrize(
        ("exact", "half_up", "half_even"),
        [("10.005", "10.01", "10.00"), ("0.125", "0.13", "0.12"), ("-0.125", "-0.13", "-0.12")],
    )
    def test_rounds_one_line(self, exact, half_up, half_even):
        assert str(money(Decimal(exact))) == half_up
        assert str(money(Decimal(exact), Mode.HALF_EVEN)) == half_even


class TestNamedRules:
    def test_a_line_has_cents_and_no_negative_zero(self):
        assert str(money(Decimal("-0.001"))) == "0.00"

    def test_a_price_has_eight_places_unless_the_contract_says_otherwise(self):
        assert str(price(Decimal("62.5") * Decimal("1.02") ** 4)) == "67.65201000"
        assert str(price(Fraction(200, 3), 4)) == "66.6667"

    def test_a_quantity_has_three_places(self):
        assert str(quantity(Decimal("15817.1875"))) == "15817.188"

    def test_an_estimate_is_half_even(self):
        assert str(estimate(Fraction(5, 2000))) == "0.002"

    def test_a_peak_is_a_whole_kw(self):
        assert kw(Fraction(716, 12) * 1000) == Decimal(59667)
        assert kw(Decimal("59666.1"), Mode.UP) == Decimal(59667)

    def test_display_is_half_up(self):
        assert str(display(Decimal("0.5"), 0)) == "1"

    def test_mode_none_keeps_a_decimal_and_refuses_a_fraction_without_end(self):
        assert money(Decimal("1.2345"), Mode.NONE) == Decimal("1.2345")
        with pytest.raises(Refused, match="needs a rounding mode"):
            money(Fraction(1, 3), Mode.NONE)

    @pytest.mark.parametrize("wrong", [0.1, True, "1"])
    def test_a_number_that_is_not_exact_is_refused(self, wrong):
        with pytest.raises(Refused, match="is not an exact number"):
            money(wrong)

    @pytest.mark.parametrize("places", [-1, 21, True, "2"])
    def test_strange_places_are_refused(self, places):
        with pytest.raises(Refused, match="decimal places; give a number from 0 to 20"):
            to_places(Decimal(1), places)

    def test_not_a_number_is_refused(self):
        with pytest.raises(Refused, match="not a number that can be rounded"):
            money(Decimal("NaN"))


class TestCumulative:
    @given(st.lists(st.fractions(-100, 100, max_denominator=1000), max_size=40))
    def test_the_running_sum_is_never_off_by_more_than_half_a_step(self, numbers):
        steps = cumulative(numbers, 3)

        exact = rounded = Fraction(0)
        for number, step in zip(numbers, steps, strict=True):
            exact += number
            rounded += Fraction(step)
            assert abs(exact - rounded) <= Fraction(1, 2000)

    @given(st.lists(NUMBER, max_size=40))
    def test_the_parts_add_up_to_the_rounded_whole(self, numbers):
        assert sum(map(Fraction, cumulative(numbers, 3))) == Fraction(
            to_places(sum(map(Fraction, numbers), Fraction(0)), 3, Mode.HALF_EVEN)
        )


def test_to_integer_is_half_even_and_refuses_to_guess():
    assert [to_integer(Fraction(n, 2)) for n in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]
    with pytest.raises(Refused, match="is not whole"):
        to_integer(Fraction(1, 2), Mode.NONE)


RAW = st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=40)


@given(RAW, st.integers(-(10**18), 10**18), st.integers(1, 6 * 10**10), st.sampled_from((-1, 1, 7)))
def test_cumulative_steps_equal_the_rounding_of_exact_fractions(values, before, under, over):
    factor = Fraction(over, max(under, abs(over)))
    want = cumulative([before * factor, *(value * factor for value in values)], 0)[1:]
    array = np.array(values, dtype=np.int64)
    whole = cumulative_steps(array, factor, before)
    assert whole.dtype == np.int64
    assert whole.tolist() == [int(step) for step in want]
    cut = len(values) // 2
    first = cumulative_steps(array[:cut], factor, before)
    second = cumulative_steps(array[cut:], factor, before + sum(values[:cut]))
    assert [*first.tolist(), *second.tolist()] == whole.tolist()


def test_cumulative_steps_take_no_factor_above_one():
    with pytest.raises(Refused, match="3/2 is above one"):
        cumulative_steps(np.array([1]), Fraction(3, 2))
