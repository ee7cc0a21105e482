"""V24 for must-run units: how fast the output may change."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Plant
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import D, judge, lacks, micro_series, series, span

SMR = {"kind": "GENERATOR", "technology": "NUCLEAR"}
KEY = "ramp@1"


def judged(values, ramp="10", **more):
    plant = Plant(ramp_kw_per_minute=D(ramp))
    unit = more.pop("unit", "kWh")
    return judge(KEY, series(values, unit=unit), **{"facts": SMR, "plant": plant} | more)


def test_the_ramp_passes_and_a_millionth_more_warns():
    # 10 kW/min over 15 minutes are 150 kW, 37.5 kWh of an interval.
    assert judged([1000, "1037.5", 1000]) == []
    (finding,) = judged([1000, 1000, "1037.500001", "1037.5"])
    assert (finding.code, finding.severity, span(finding)) == ("V24J", Severity.WARN, (2, 3))
    assert (finding.metric, finding.threshold) == (D("150.000004"), 150)
    assert finding.message == (
        "Mean power changed by 150.000004 kW from one interval of 15 minutes to the next; the unit "
        "can change by 150 kW."
    )


def test_a_trip_is_one_finding_told_by_its_largest_step():
    (finding,) = judged([1000, 600, 0, 0])
    assert (span(finding), finding.metric) == ((1, 3), 2400)


def test_power_changes_as_power():
    assert judged([4000, 4150], unit="kW") == []
    assert judged([4000, 4151], unit="kW")[0].metric == 151


def test_steps_across_a_gap_or_a_failed_reading_are_not_judged():
    assert judged([1000, None, 0]) == []
    failed = np.array([False, True, False])
    assert judged([1000, 5000, 1000], failed=failed) == []
    assert judged([1000]) == []


def test_lacks():
    one = series([1, 1000])
    assert lacks(KEY, one) == "the output of a generator"
    assert lacks(KEY, one, facts=SMR) == "the ramp limit of the unit"
    limited = Plant(ramp_kw_per_minute=D(1))
    assert lacks(KEY, one, facts=SMR, plant=limited) == ""
    assert judge(KEY, one, facts=SMR) == []
    assert judge(KEY, one, plant=limited) == []


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60), st.integers(0, 4000))
def test_the_law(values, ramp):
    plant = Plant(ramp_kw_per_minute=D(ramp))
    found = judge(KEY, micro_series(values), facts=SMR, plant=plant)
    limit = ramp * 15 * 10**6 / 4
    assert {at for each in found for at in range(*span(each))} == {
        at for at in range(1, len(values)) if abs(values[at] - values[at - 1]) > limit
    }
