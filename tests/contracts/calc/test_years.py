"""Sums that go on from month to month: examples in docstrings, and what cannot be read."""

import doctest

import pytest

from contracts.calc import years
from poweroptix.kernel.errors import Refused
from tests.contracts.builders import inputs


def test_examples_in_docstrings():
    assert doctest.testmod(years).failed == 0


def test_a_year_without_an_anchor_is_refused():
    with pytest.raises(Refused, match="no first day of contract year 1"):
        years.year_parts(inputs("2026-03"))
