"""Formulas over columns give what the same formula gives one interval at a time."""

import doctest
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel import formula_columns
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import evaluate
from poweroptix.kernel.formula_columns import Column, evaluate_columns

EXACT = [
    "a + b", "a - 2.5 * b", "a * b", "min(a, b, k)", "max(a - k, 0)", "abs(a) - k / 8",
    "clip(a, -k, k)", "round(a * b, 2)", "-a / 4", "round(a / 3, 4)", "k * k", "round(k / 7, 3)",
]  # fmt: skip
small = st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=6)
huge = st.lists(st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=6)


@pytest.mark.parametrize("text", EXACT)
@settings(max_examples=20, deadline=None)
@given(values=small | huge, k=st.decimals("0.001", "99999", places=3))
def test_a_column_is_the_formula_of_every_interval(text, values, k):
    columns = {"a": Column(np.array(values), 10**6), "b": Column(np.array(values[::-1]), 10**8)}
    found = evaluate_columns(text, {**columns, "k": k})
    shown = {
        name: [Fraction(int(v), one.over) for v in one.values] for name, one in columns.items()
    }
    for at in range(len(values)) if "a" in text.replace("max", "") else range(1):
        names = {
            name: Decimal(row[at].numerator) / Decimal(row[at].denominator)
            for name, row in shown.items()
        }
        wanted = evaluate(text, {**names, "k": k})
        assert abs(Fraction(int(found.values[at]), found.over) - Fraction(wanted)) < Fraction(
            1, 10**25
        )


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(1, 1000)), min_size=1))
def test_a_quotient_of_columns_keeps_forty_decimals(pairs):
    top, under = (np.array(side) for side in zip(*pairs, strict=True))
    for sign in (1, -1):
        found = evaluate_columns("a / b", {"a": Column(top), "b": Column(under * sign, 10)})
        for (a, b), value in zip(pairs, found.values, strict=True):
            assert abs(Fraction(int(value), found.over) - Fraction(10 * a, b * sign)) <= Fraction(
                1, 2 * 10**40
            )


def test_a_total_is_exact_beyond_64_bits():
    column = Column(np.full(5, 2**62))
    assert column.total() == 5 * 2**62
    assert evaluate_columns("a * a", {"a": column}).total() == 5 * 2**124


def test_a_division_by_zero_names_the_interval():
    names = {"a": Column(np.array([1, 2, 3])), "b": Column(np.array([1, 0, 0]))}
    with pytest.raises(Refused, match=r"division by zero in interval 1\."):
        evaluate_columns("a / b", names)
    with pytest.raises(Refused, match=r"division by zero in the hour\."):
        evaluate_columns("a / (k - k)", {**names, "k": Decimal(3)}, lambda _index: "the hour")


def test_a_clip_with_crossed_limits_names_the_interval():
    with pytest.raises(Refused, match="lower limit above its upper limit in interval 2"):
        evaluate_columns("clip(a, a, 2)", {"a": Column(np.array([1, 2, 3]))})


def test_an_unknown_name_and_an_escape_are_refused():
    with pytest.raises(Refused, match="unknown name 'c'; known: a"):
        evaluate_columns("a + c", {"a": Column(np.array([1]))})
    with pytest.raises(Refused, match="Attribute is not allowed"):
        evaluate_columns("a.real", {"a": Column(np.array([1]))})


def test_examples_in_docstrings():
    assert doctest.testmod(formula_columns).failed == 0
