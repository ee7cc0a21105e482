"""V24 for tenants: load above contracted capacity warns, and changes nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Plant
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import D, judge, lacks, micro_series, series, span

TENANT = {"kind": "TENANT_LOAD"}
KEY = "contracted_capacity@1"


def test_the_capacity_passes_and_a_millionth_more_warns():
    plant = Plant(contracted_kw=D(5000))
    assert judge(KEY, series([1250]), facts=TENANT, plant=plant) == []
    readings = series([1250, "1250.000001", 1300, 0])
    (finding,) = judge(KEY, readings, facts=TENANT, plant=plant)
    assert (finding.code, finding.severity, span(finding)) == ("V24M", Severity.WARN, (1, 3))
    assert (finding.metric, finding.threshold) == (1300, 1250)
    assert finding.message == (
        "1,300 kWh in 15 minutes is above the contracted 5,000 kW (1,250 kWh)."
    )
    assert finding.fix == "Tell the tenant; the contract says what an excess costs."


def test_the_capacity_of_the_point_serves_where_none_is_contracted():
    assert len(judge(KEY, series([1251]), facts=TENANT, capacity_kw=D(5000))) == 1
    both = Plant(contracted_kw=D(6000))
    assert judge(KEY, series([1251]), facts=TENANT, capacity_kw=D(5000), plant=both) == []
    assert len(judge(KEY, series([5001], unit="kW"), facts=TENANT, capacity_kw=D(5000))) == 1


def test_missing_and_failed_readings_are_left_out():
    failed = np.array([True, False])
    assert judge(KEY, series([9999, None]), facts=TENANT, capacity_kw=D(5000), failed=failed) == []


def test_lacks():
    one = series([1])
    assert lacks(KEY, one) == "the load of a tenant"
    assert lacks(KEY, one, facts=TENANT, direction="RECEIVED") == "the load of a tenant"
    assert lacks(KEY, series([1], unit="kVArh"), facts=TENANT) == "the load of a tenant"
    assert lacks(KEY, one, facts=TENANT) == "the contracted capacity"
    assert lacks(KEY, one, facts=TENANT, capacity_kw=D(1)) == ""
    assert judge(KEY, series([9999]), capacity_kw=D(1)) == []
    assert judge(KEY, series([9999]), facts=TENANT) == []


@given(st.lists(st.integers(0, 10**10), min_size=1), st.integers(1, 10**5))
def test_the_law(values, capacity):
    found = judge(KEY, micro_series(values), facts=TENANT, capacity_kw=D(capacity))
    assert {at for each in found for at in range(*span(each))} == {
        at for at, value in enumerate(values) if value * 4 > capacity * 10**6
    }
