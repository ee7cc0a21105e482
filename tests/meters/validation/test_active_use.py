"""V26: nothing used in service, or used out of service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.validation import Stage, rules
from meters.validation.active_use import ActiveUseParameters
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import D, judge, lacks, micro_series, series, span

KEY = "active_use@1"
LOAD = {"kind": "TENANT_LOAD"}


def test_a_silent_load_in_service_is_held():
    (finding,) = judge(KEY, series([0] * 96), facts=LOAD, active=True)
    assert (finding.code, finding.severity, span(finding)) == ("V26", Severity.HOLD, (0, 96))
    assert (finding.metric, finding.threshold) == (0, 0)
    assert finding.message == (
        "Nothing was used in the whole period, although the point is in service."
    )
    assert judge(KEY, series([0] * 95 + ["0.000001"]), facts=LOAD, active=True) == []


def test_a_gap_is_not_silence():
    assert judge(KEY, series([0] * 95 + [None]), facts=LOAD, active=True) == []


@pytest.mark.parametrize(
    "more",
    [
        {"facts": {"kind": "GENERATOR"}},
        {"facts": {"kind": "GRID_TIE"}},
        {"facts": LOAD, "direction": "RECEIVED"},
    ],
)
def test_only_loads_must_use_something(more):
    assert judge(KEY, series([0] * 96), active=True, **more) == []
    every = ActiveUseParameters(all_kinds=True)
    assert len(judge(KEY, series([0] * 96), active=True, parameters=every, **more)) == 1


def test_reactive_energy_may_be_nothing():
    assert judge(KEY, series([0] * 96, unit="kVArh"), facts=LOAD, active=True) == []


def test_energy_out_of_service_is_held_on_every_channel():
    (finding,) = judge(KEY, series([0, 1, 2, None]), active=False)
    assert (finding.metric, finding.severity) == (3, Severity.HOLD)
    assert finding.message == "3 kWh although the point is out of service."
    assert finding.fix == "Put the point into service, or find out what feeds through its meter."
    assert judge(KEY, series([0, 0, None]), facts=LOAD, active=False) == []
    (both,) = judge(KEY, series([5, -5]), direction="NET", active=False)
    assert both.metric == 10


def test_lacks():
    wanted = "whether the point is in service over the whole period"
    assert lacks(KEY, series([0])) == wanted
    assert lacks(KEY, series([0]), active=False) == ""
    assert judge(KEY, series([0]), facts=LOAD) == []
    assert rules.get(KEY).stage == Stage.PERIOD


@given(st.lists(st.integers(0, 3), min_size=1))
def test_in_or_out_of_service_one_of_them_is_wrong(values):
    given_ = micro_series(values)
    inside = judge(KEY, given_, facts=LOAD, active=True)
    outside = judge(KEY, given_, facts=LOAD, active=False)
    assert len(inside) + len(outside) == 1
    assert bool(outside) == (sum(values) > 0)
    assert not outside or outside[0].metric == D(sum(values)) / 10**6
