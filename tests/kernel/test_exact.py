"""The exact sum of products against Python's integers and against Decimal."""

import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_fixed, from_micro, from_price
from poweroptix.kernel.rounding import Mode, money

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
PRICE = st.integers(-(10**13), 10**13)
MICRO_KWH = st.integers(-(10**13), 10**13)


def as_array(values):
    return np.array(values, dtype=np.int64)


class TestDot:
    @given(st.lists(st.tuples(INT64, INT64), max_size=60))
    def test_equals_python_integers_over_the_whole_range(self, pairs):
        price, quantity = as_array([p for p, _ in pairs]), as_array([q for _, q in pairs])

        assert exact.dot(price, quantity) == sum(p * q for p, q in pairs)

    @given(st.lists(st.tuples(PRICE, MICRO_KWH), max_size=60))
    def test_equals_decimal_arithmetic(self, pairs):
        price, quantity = as_array([p for p, _ in pairs]), as_array([q for _, q in pairs])

        result = Fraction(exact.dot(price, quantity), 10**14)

        assert result == sum(Fraction(from_price(p)) * Fraction(from_micro(q)) for p, q in pairs)

    @pytest.mark.parametrize("bits", [20, 33, 45, 48, 49, 55, 62])
    def test_never_overflows_when_every_product_has_the_same_sign(self, bits):
        price = np.full(10_000, 2**bits - 1, dtype=np.int64)
        quantity = np.full(10_000, -(2**62) + 1, dtype=np.int64)

        assert exact.dot(price, quantity) == -10_000 * (2**bits - 1) * (2**62 - 1)

    def test_crosses_block_borders(self):
        random = np.random.default_rng(7)
        price = random.integers(-(2**40), 2**40, 9_001)
        quantity = random.integers(-(2**45), 2**45, 9_001)

        expected = sum(int(p) * int(q) for p, q in zip(price, quantity, strict=True))

        assert exact.dot(price, quantity) == expected

    def test_takes_every_second_value_of_an_array(self):
        price = np.arange(10, dtype=np.int64)[::2]

        assert exact.dot(price, price) == 0 + 4 + 16 + 36 + 64

    def test_refuses_a_missing_value(self):
        with pytest.raises(Refused, match="1 of 2 quantity values are missing"):
            exact.dot(as_array([1, 1]), as_array([MISSING, 1]))

    def test_refuses_floats(self):
        with pytest.raises(Refused, match="must be one row of whole numbers, not float64"):
            exact.dot(np.array([0.1]), as_array([1]))

    def test_refuses_different_lengths(self):
        with pytest.raises(Refused, match="1 prices cannot be multiplied with 2 quantities"):
            exact.dot(as_array([1]), as_array([1, 2]))


class TestTotal:
    @given(st.lists(INT64, max_size=80))
    def test_equals_the_sum_of_python_integers(self, values):
        assert exact.total(as_array(values)) == sum(values)

    def test_does_not_overflow_over_a_year_of_the_largest_value(self):
        assert exact.total(np.full(105_120, 2**63 - 1, dtype=np.int64)) == 105_120 * (2**63 - 1)

    def test_refuses_a_missing_value(self):
        with pytest.raises(Refused, match="1 of 1 value values are missing"):
            exact.total(as_array([MISSING]))


class TestA39RoundingPoint:
    """settlement.md, example A39: 2,976 intervals priced at 61.85 $/MWh."""

    def energy_micro_kwh(self):
        state, values = 4711, []
        for _ in range(2976):
            state = (1103515245 * state + 12345) % 2**31
            values.append((9000 + (state // 65536) % 2001) * 10**6)
        return as_array(values)

    def test_the_line_is_rounded_once(self):
        energy = self.energy_micro_kwh()
        price = np.full(energy.size, 6_185_000_000, dtype=np.int64)

        amount = from_fixed(exact.dot(price, energy), 10**17)

        assert from_micro(exact.total(energy)) / 1000 == Decimal("29715.276")
        assert money(amount) == Decimal("1837889.82")

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [("HALF_UP", "1837890.02"), ("HALF_EVEN", "1837889.89"), ("DOWN", "1837875.05")],
    )
    def test_rounding_each_interval_gives_another_amount(self, mode, expected):
        rate_usd_per_kwh = Decimal("0.06185")

        amounts = [
            money(from_micro(value) * rate_usd_per_kwh, Mode(mode))
            for value in self.energy_micro_kwh().tolist()
        ]

        assert sum(amounts) == Decimal(expected)


def test_the_exact_sum_stays_within_sixty_times_a_float_dot():
    """The benchmark runs in its own process, so that one BLAS thread is what it gets."""
    root = Path(__file__).resolve().parents[2]

    run = subprocess.run(
        [sys.executable, "benchmarks/exact_dot.py"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )

    ratios = [float(ratio) for ratio in re.findall(r"([\d.]+) x a float dot", run.stdout)]
    assert len(ratios) == 3
    assert max(ratios) <= 60
