"""V24 for gas units: the heat rate between fuel and energy."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Plant
from meters.validation.gas import HeatRateParameters
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Status
from tests.meters.validation.makers import D, companion, judge, lacks, micro_series, series, span

GAS = {"kind": "GENERATOR", "technology": "GAS_TURBINE"}
KEY = "heat_rate@1"


def fuel(values, minutes=15, **more):
    return companion("FUEL", values, code="FUEL-A", unit="MMBtu", minutes=minutes, **more)


def judged(energy, burnt, **more):
    more = {"facts": GAS, "capacity_kw": D(4000)} | more
    return judge(KEY, series(energy), fuel(burnt), **more)


def test_the_limits_pass_and_a_millionth_beyond_is_held():
    assert judged([1000, 1000], [6, 14]) == []
    low, high = judged([1000, 1000, 1000], ["5.999999", 9, "14.000001"])
    assert [(f.code, f.severity) for f in (low, high)] == [("V24F", Severity.HOLD)] * 2
    assert (span(low), low.metric, low.threshold) == ((0, 1), D("5999.999"), 6000)
    assert (span(high), high.metric, high.threshold) == ((2, 3), D("14000.001"), 14000)
    assert high.message == (
        "The heat rate is 14,000.001 Btu/kWh; believable are 6,000 to 14,000 Btu/kWh."
    )


def test_a_run_is_told_by_its_worst_interval():
    (finding,) = judged([1000] * 4, [9, 15, 20, 16])
    assert (span(finding), finding.metric) == ((1, 4), 20000)
    (finding,) = judged([1000] * 4, [9, 5, 0, 4])
    assert (span(finding), finding.metric) == ((1, 4), 0)


def test_up_to_thirty_percent_load_is_not_judged():
    assert judged([300], [0]) == []
    assert len(judged(["300.000001"], [0])) == 1
    more = HeatRateParameters(min_load_ratio=D("0.5"))
    assert judged([500], [0], parameters=more) == []


def test_limits_of_the_unit_go_before_the_parameters():
    plant = Plant(heat_rate_low_btu_per_kwh=D(8000), heat_rate_high_btu_per_kwh=D(9000))
    assert judged([1000, 1000], [8, 9], plant=plant) == []
    (finding,) = judged([1000], [10], plant=plant)
    assert finding.message == (
        "The heat rate is 10,000 Btu/kWh; believable are 8,000 to 9,000 Btu/kWh."
    )
    own = HeatRateParameters(low_btu_per_kwh=D(0), high_btu_per_kwh=D(9999))
    assert [f.threshold for f in judged([1000], [10], parameters=own)] == [9999]
    assert judged([1000], [0], parameters=own) == []


def test_fuel_of_hours_is_judged_against_the_energy_of_hours():
    energy = series([1000] * 4 + [1000] * 3 + [None] + [1000] * 4)
    burnt = fuel([36, 99, 60], minutes=60)
    (finding,) = judge(KEY, energy, burnt, facts=GAS, capacity_kw=D(4000))
    assert (span(finding), finding.metric) == ((8, 12), 15000)
    failed = np.zeros(12, dtype=bool)
    failed[9] = True
    assert judge(KEY, energy, burnt, facts=GAS, capacity_kw=D(4000), failed=failed) == []


def test_doubted_fuel_says_nothing():
    for status in (Status.ESTIMATED, Status.SUSPECT):
        doubted = fuel([99], status=status)
        assert judge(KEY, series([1000]), doubted, facts=GAS, capacity_kw=D(4000)) == []
    assert judged([1000], [None]) == []


def test_lacks():
    gas = "the output of a gas engine or turbine in kWh"
    one = series([1])
    assert lacks(KEY, one, fuel([1])) == gas
    assert lacks(KEY, series([1], unit="kW"), facts=GAS) == gas
    assert lacks(KEY, one, facts=GAS) == "the capacity of the unit and its fuel in MMBtu"
    therms = companion("FUEL", [1], unit="therm")
    for wrong in (therms, fuel([1, 1]), fuel([1], minutes=20)):
        assert lacks(KEY, one, wrong, facts=GAS, capacity_kw=D(1)) == "its fuel in MMBtu"
        assert judge(KEY, one, wrong, facts=GAS, capacity_kw=D(1)) == []
    assert lacks(KEY, one, fuel([1]), facts=GAS, capacity_kw=D(1)) == ""
    assert judge(KEY, one, fuel([1]), facts=GAS) == []


@given(
    st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**9)), min_size=1, max_size=40),
    st.integers(1, 20000),
    st.integers(1, 20000),
)
def test_the_law(pairs, one, other):
    low, high = sorted((one, other))
    plant = Plant(heat_rate_low_btu_per_kwh=D(low), heat_rate_high_btu_per_kwh=D(high))
    energy = micro_series([kwh for kwh, _ in pairs])
    burnt = companion("FUEL", micro_series([gas for _, gas in pairs], unit="MMBtu"))
    found = judge(KEY, energy, burnt, facts=GAS, capacity_kw=D(4000), plant=plant)
    assert {at for each in found for at in range(*span(each))} == {
        at
        for at, (kwh, gas) in enumerate(pairs)
        if kwh > 300 * 10**6 and not low <= Fraction(gas * 10**6, kwh) <= high
    }
