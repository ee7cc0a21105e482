"""V15: zeros of a load."""

import pytest

from meters.calc.circumstances import Relation
from meters.validation.zero_run import ZeroRunParameters
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.quality import Status
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import companion, judge, lacks, series, span

KEY = "zero_run@1"
LOAD = {"kind": "TENANT_LOAD"}


def zeros(count, minutes=15):
    return series([1] + [0] * count + [1], minutes=minutes)


@needs_cases
def test_the_example():
    case = example("L16")["given"]
    parameters = ZeroRunParameters(warn_after_minutes=case["max_zero_run"] * 15)
    assert judge(KEY, zeros(case["run"]), facts=LOAD, parameters=parameters) == []
    assert len(judge(KEY, zeros(case["run"] + 1), facts=LOAD, parameters=parameters)) == 1


def test_hours_of_zero_warn_and_days_of_zero_hold():
    (warned,) = judge(KEY, zeros(9), facts=LOAD)
    assert (warned.code, warned.severity, span(warned)) == ("V15", Severity.WARN, (1, 10))
    assert (warned.metric, warned.threshold) == (135, 120)
    assert warned.message == "Zero for 2 h 15 min in a row, and no outage is known (2 h pass)."
    (day,) = judge(KEY, zeros(96), facts=LOAD)
    assert day.severity == Severity.WARN
    (held,) = judge(KEY, zeros(97), facts=LOAD)
    assert (held.severity, held.metric, held.threshold) == (Severity.HOLD, 1455, 1440)


def test_the_length_of_the_interval_does_not_matter():
    assert judge(KEY, zeros(2, 60), facts=LOAD) == []
    assert len(judge(KEY, zeros(3, 60), facts=LOAD)) == 1
    assert judge(KEY, zeros(24, 5), facts=LOAD) == []
    assert len(judge(KEY, zeros(25, 5), facts=LOAD)) == 1


def test_outages_and_missing_intervals_end_a_run():
    run = zeros(12)
    assert len(judge(KEY, run, facts=LOAD)) == 1
    assert judge(KEY, run, facts=LOAD, outages=[(6, 7)]) == []
    assert judge(KEY, run, facts=LOAD, flags=[(1, 5, "POWER_FAIL", {})]) == []
    assert judge(KEY, run, facts=LOAD, active=False) == []
    assert judge(KEY, series([0] * 6 + [None] + [0] * 6), facts=LOAD) == []


def test_a_load_that_gives_energy_takes_none():
    run = zeros(12)
    gives = companion(Relation.RETURNED, [0, *[5] * 6, *[0] * 7])
    assert judge(KEY, run, gives, facts=LOAD) == []
    rests = companion(Relation.RETURNED, [0, *[5] * 3, *[0] * 10])
    (found,) = judge(KEY, run, rests, facts=LOAD)
    assert span(found) == (4, 13)
    doubted = companion(Relation.RETURNED, [0, *[5] * 13], status=Status.SUSPECT)
    assert len(judge(KEY, run, doubted, facts=LOAD)) == 1
    unknown = companion(Relation.RETURNED, [None] * 14)
    assert len(judge(KEY, run, unknown, facts=LOAD)) == 1


@pytest.mark.parametrize("kind", ["GENERATOR", "STORAGE", "GRID_TIE", "GENERATOR_AUX", "BUS"])
def test_what_may_rest_is_not_judged(kind):
    assert judge(KEY, zeros(99), facts={"kind": kind}) == []
    assert lacks(KEY, zeros(99), facts={"kind": kind}) == "the energy that a load takes"


def test_only_what_a_load_takes_is_judged():
    assert judge(KEY, zeros(99), facts=LOAD, direction="RECEIVED") == []
    reactive = series([0] * 99, unit="kVArh")
    assert judge(KEY, reactive, facts=LOAD) == []
    assert len(judge(KEY, zeros(99), facts={"kind": "HOUSE"})) == 1
    assert judge(KEY, zeros(99)) == []
    assert lacks(KEY, zeros(1)) == "the kind of the point"


def test_the_limits_are_in_order():
    with pytest.raises(Refused, match="hold_after_minutes must not be shorter"):
        parse(ZeroRunParameters, {"warn_after_minutes": 60, "hold_after_minutes": 30})
