"""V17: reactive energy without active energy."""

from decimal import Decimal

import numpy as np
import pytest

from meters.validation.kvarh import KvarhParameters
from poweroptix.kernel.finding import Severity
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import companion, judge, lacks, series, span

KEY = "kvarh@1"
LOAD = {"kind": "TENANT_LOAD"}


def reactive(values):
    return companion("REACTIVE", values, unit="kVArh")


@needs_cases
@pytest.mark.parametrize("name", ["L10", "L11"])
def test_the_examples(name):
    case = example(name)
    energy, other = series([case["given"]["kwh"]]), reactive([case["given"]["kvarh"]])
    parameters = KvarhParameters(min_kvarh=Decimal(case["given"].get("min_kvarh", "0")))
    found = judge(KEY, energy, other, facts=LOAD, parameters=parameters)
    assert bool(found) is (case["expect"]["result"] == "FAIL")


def test_a_run_is_held_with_its_largest_reactive_energy():
    energy = series([0, 0, 1, 0, None])
    (first, second) = judge(KEY, energy, reactive([10, "120.5", 9, 1, 9]), facts=LOAD)
    assert (first.code, first.severity, span(first)) == ("V17", Severity.HOLD, (0, 2))
    assert (first.metric, first.threshold) == (Decimal("120.5"), 0)
    assert first.message == "120.5 kVArh without any kWh (0 kVArh pass)."
    assert span(second) == (3, 4)


def test_what_equals_the_least_passes():
    parameters = KvarhParameters(min_kvarh=Decimal("1.5"))
    energy = series([0, 0])
    (found,) = judge(KEY, energy, reactive(["1.5", "1.500001"]), facts=LOAD, parameters=parameters)
    assert span(found) == (1, 2)


def test_several_reactive_channels_count_and_missing_ones_do_not():
    energy = series([0, 0, 0])
    found = judge(KEY, energy, reactive([None, 5, None]), reactive([None, None, 5]), facts=LOAD)
    assert [span(f) for f in found] == [(1, 3)]


def test_outages_and_failed_intervals_are_left_out():
    energy, other = series([0, 0, 0]), reactive([5, 5, 5])
    found = judge(
        KEY, energy, other, facts=LOAD, outages=[(0, 1)], failed=np.array([0, 0, 1], bool)
    )
    assert [span(f) for f in found] == [(1, 2)]


@pytest.mark.parametrize(
    "more",
    [
        {"facts": {"kind": "GENERATOR"}},
        {"facts": {"kind": "GRID_TIE"}},
        {"facts": LOAD, "direction": "RECEIVED"},
    ],
)
def test_what_may_hold_the_voltage_at_rest_is_not_judged(more):
    assert judge(KEY, series([0]), reactive([5]), **more) == []
    assert lacks(KEY, series([0]), **more) == "the energy that a load takes, in kWh"


def test_it_says_what_it_lacks():
    assert lacks(KEY, series([0]), facts=LOAD) == "a kVArh channel of the same point"
    assert lacks(KEY, series([0]), reactive([1])) == "the kind of the point"
    assert lacks(KEY, series([0]), reactive([1]), facts=LOAD) == ""
    assert lacks(KEY, series([0], unit="kVArh"), facts=LOAD).startswith("the energy that a load")
    assert judge(KEY, series([0]), facts=LOAD) == []
