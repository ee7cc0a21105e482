"""The limit of instrument transformers: both sides squared."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.transformers import limit_squared_kw2, transformer_limit_micro


@pytest.mark.parametrize(
    ("line_v", "primary_a", "rating_factor", "kw"),
    [
        ("34500", "2000", "1", "119511.505722"),
        ("34500", "2000", "1.5", "179267.258583"),
        ("13800", "600", "2", "28682.761373"),
        ("480", "0.000001", "1", "0.000000"),
    ],
)
def test_worked_figures(line_v, primary_a, rating_factor, kw):
    squared = limit_squared_kw2(Decimal(line_v), Decimal(primary_a), Decimal(rating_factor))
    assert transformer_limit_micro(squared, Fraction(1)) == int(Decimal(kw) * 10**6)


def test_a_quarter_of_an_hour_carries_a_quarter():
    squared = limit_squared_kw2(Decimal(34500), Decimal(2000), Decimal(1))
    assert transformer_limit_micro(squared, Fraction(1, 4)) == 29_877_876_430  # 29877.8764305...


@given(
    st.decimals(1, 500_000, places=2),
    st.decimals(1, 10_000, places=2),
    st.decimals("0.5", 4, places=2),
    st.sampled_from([Fraction(1, 12), Fraction(1, 4), Fraction(1, 2), Fraction(1)]),
)
def test_it_is_the_last_number_whose_square_is_not_larger(line_v, primary_a, factor, hours):
    most = transformer_limit_micro(limit_squared_kw2(line_v, primary_a, factor), hours)
    a = Fraction(line_v) * Fraction(primary_a) * Fraction(factor) * hours * 1000
    assert Fraction(most) ** 2 <= 3 * a**2 < Fraction(most + 1) ** 2
