"""A further quantity from its channels: signs, days, lengths, gaps and units."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from contracts.calc.bound import Binding, bound_series
from contracts.calc.price_terms import PricedTerm
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.inputs import Inputs
from settlement.calc.intervals import interval_table
from settlement.calc.version_inputs import VersionInputs
from tests.contracts.builders import CHICAGO, flat

MARCH = Period.month(CHICAGO, "2026-03")
FIRST = date(2026, 1, 1)


def of(*bindings, **readings):
    return bound_series(
        "output", bindings, {int(pk[1:]): one for pk, one in readings.items()}, MARCH
    )


def kwh(minutes, each):
    return flat(MARCH.grid(minutes), each)


def test_units_of_a_plant_add_up_at_the_coarsest_length_and_a_sign_subtracts():
    both = of(Binding(1, 1, FIRST), Binding(2, -1, FIRST), c1=kwh(15, "10"), c2=kwh(60, "4"))
    assert (both.grid.minutes, both.total()) == (60, 743 * 36)


def test_a_channel_counts_on_its_local_days_alone():
    """One unit until the 8th (of 23 hours), another from the 9th on."""
    turn = date(2026, 3, 9)
    found = of(Binding(1, 1, FIRST, turn), Binding(2, 1, turn), c1=kwh(60, "1"), c2=kwh(60, "2"))
    assert found.total() == (8 * 24 - 1) + 2 * 23 * 24


def test_where_no_channel_counts_or_one_is_silent_there_is_no_value():
    late = of(Binding(1, 1, date(2026, 3, 2)), c1=kwh(60, "1"))
    assert late.missing_count == 24
    gap = Series.of(MARCH.grid(60), [None] + [Decimal(1)] * 742, "kWh")
    assert of(Binding(1, 1, FIRST), Binding(2, 1, FIRST), c1=gap, c2=kwh(60, "1")).missing[0]


def test_channels_of_two_units_are_refused():
    fuel = Series.of(MARCH.grid(60), [Decimal(1)] * 743, "MMBtu")
    with pytest.raises(Refused, match="'output' is bound to channels in MMBtu and in kWh; bind"):
        of(Binding(1, 1, FIRST), Binding(2, 1, FIRST), c1=fuel, c2=kwh(60, "1"))


def test_the_interval_file_leaves_out_what_has_other_intervals():
    """An hourly quantity would fall into the wrong quarter-hours."""
    terms = (
        PricedTerm(1, 10, "fixed_energy@1", "Energy", parameters={"price": "50"}),
        PricedTerm(
            2, 11, "fixed_energy@1", "Discharge", "", "discharge", parameters={"price": "10"}
        ),
    )
    version = VersionInputs(1, MARCH.first_date, MARCH.last_date, None, {}, terms)
    inputs = Inputs(
        "PPA-1",
        "USD",
        CHICAGO,
        MARCH,
        (version,),
        series={"delivered": kwh(15, "1"), "discharge": kwh(60, "1")},
    )
    table = interval_table(inputs)
    assert ([one.line_code for one in table.columns], list(table.series)) == ([10], ["delivered"])
    quarter = replace(inputs, series={**inputs.series, "discharge": kwh(15, "1")})
    assert [one.line_code for one in interval_table(quarter).columns] == [10, 11]
