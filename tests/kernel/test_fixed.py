"""Fixed point never rounds: it converts exactly or says why it cannot."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import (
    MISSING,
    PRICE_SCALE,
    exact_sum,
    from_micro,
    from_price,
    micro,
    price,
    to_fixed,
)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_micro_value_survives_the_way_out_and_back(value):
    assert micro(from_micro(value)) == value


@given(st.decimals(-(10**10), 10**10, places=8, allow_nan=False))
def test_a_price_with_eight_places_survives(number):
    assert from_price(price(number)) == number


@given(st.integers(1, 10**20), st.integers(9, 30))
def test_more_decimals_than_the_scale_are_refused(digits, places):
    number = Decimal(digits * 10 + 1).scaleb(-places)

    with pytest.raises(Refused, match="too many decimals: at most 8 are kept") as refused:
        to_fixed(number, PRICE_SCALE)

    assert refused.value.code == "number.too_many_decimals"


@pytest.mark.parametrize("text", ["1E+400", "9223372036854.775808", "-9223372036854.775808"])
def test_numbers_beyond_64_bits_are_refused(text):
    with pytest.raises(Refused, match="out of range"):
        micro(Decimal(text))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Refused, match="not a number that can be counted"):
        micro(Decimal(text))


@pytest.mark.parametrize("wrong", [0.5, "0.5", True, None])
def test_what_is_not_exact_is_refused(wrong):
    with pytest.raises(Refused, match="is not an exact number"):
        micro(wrong)


def test_a_tiny_exponent_is_refused_without_building_the_number():
    with pytest.raises(Refused, match="too many decimals"):
        micro(Decimal("1E-999999"))


def test_a_missing_value_has_no_number():
    with pytest.raises(Refused, match="no number"):
        from_micro(MISSING)


def test_exact_sum_keeps_digits_that_the_default_context_would_lose():
    numbers = [Decimal("1E+40"), Decimal("0.00000001"), Decimal("-1E+40")]

    assert exact_sum(numbers) == Decimal("0.00000001")
