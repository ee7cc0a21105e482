"""Units: exact factors, any case, and refusal to mix kinds."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.units import convert, same_kind, to_canonical


@pytest.mark.parametrize(
    ("unit", "canonical", "factor"),
    [
        ("Wh", "kWh", "0.001"),
        ("KWH", "kWh", "1"),
        ("mwh", "kWh", "1000"),
        ("MW", "kW", "1000"),
        ("varh", "kVArh", "0.001"),
        ("kVArh", "kVArh", "1"),
        ("therm", "MMBtu", "0.1"),
        ("Dth", "MMBtu", "1"),
        ("lb", "kg", "0.45359237"),
        ("%", "ratio", "0.01"),
        ("usd/mwh", "USD/MWh", "1"),
        ("USD/kW-month", "USD/kW-month", "1"),
    ],
)
def test_a_source_unit_has_one_canonical_unit(unit, canonical, factor):
    assert to_canonical(unit) == (canonical, Decimal(factor))


def test_an_unknown_unit_is_refused_by_code():
    with pytest.raises(Refused, match="The unit 'furlong' is not known") as refused:
        to_canonical("furlong")

    assert refused.value.code == "units.unknown"


@given(st.decimals(-(10**9), 10**9, places=6, allow_nan=False))
def test_converting_there_and_back_changes_nothing(number):
    assert convert(convert(number, "MWh", "Wh"), "Wh", "MWh") == number
    assert convert(convert(number, "USD/kWh", "USD/MWh"), "USD/MWh", "USD/kWh") == number


def test_prices_convert_the_other_way_round():
    assert convert(Decimal("0.0725"), "USD/kWh", "USD/MWh") == Decimal("72.5")
    assert convert(Decimal("4.125"), "cent/kWh", "USD/MWh") == Decimal("41.25")


def test_different_kinds_do_not_convert():
    with pytest.raises(Refused, match=r"kW \(power\) cannot become kWh \(energy\)"):
        convert(Decimal(1), "kW", "kWh")
    assert not same_kind("kW", "kWh")


def test_a_result_that_does_not_end_is_refused():
    with pytest.raises(Refused, match="does not end as a decimal number of lb"):
        convert(Decimal(1), "kg", "lb")
