"""V21: main meter against check meter, per interval and per day."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.validation.main_check import MainCheckDayParameters, MainCheckParameters
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import (
    D,
    companion,
    judge,
    lacks,
    micro_series,
    series,
    span,
)

INTERVAL, DAILY = "main_check@1", "main_check_day@1"


@needs_cases
def test_the_worked_day_passes_at_the_limit_and_fails_above():
    case = example("L18")
    facts = case["given"]
    main = series([D(facts["main"]) / 96] * 96)
    parameters = MainCheckDayParameters(tolerance_pct=D(facts["tolerance_pct"]))
    check = companion("CHECK", [D(facts["check"]) / 96] * 96)
    assert judge(DAILY, main, check, parameters=parameters) == []
    assert D(case["expect"]["diff_pct"]) == D("0.2")
    lower = companion("CHECK", [D(facts["check"]) / 96] * 95 + [D("124.74")], code="GT/F1")
    (finding,) = judge(DAILY, main, lower, parameters=parameters)
    assert (finding.code, finding.severity, span(finding)) == ("V21D", Severity.HOLD, (0, 96))
    assert finding.message == (
        "GT/F1 shows 11,975.99 kWh where this channel shows 12,000: 0.200083 % apart (limit 0.2 %)."
    )
    assert (finding.metric.quantize(D("0.000001")), finding.threshold) == (D("0.200083"), D("0.2"))
    assert finding.data["beside"] == "GT/F1"


def test_an_interval_passes_at_half_a_percent_and_fails_a_millionth_above():
    main = series([200] * 96)
    assert judge(INTERVAL, main, companion("CHECK", [199] * 96)) == []
    assert judge(INTERVAL, main, companion("CHECK", [201] * 96)) == []
    check = companion("CHECK", [199] * 40 + ["198.999999", "198.9", 201] + [200] * 53, code="F1")
    (finding,) = judge(INTERVAL, main, check)
    assert (finding.code, finding.severity, span(finding)) == ("V21", Severity.HOLD, (40, 42))
    assert (finding.metric, finding.threshold) == (D("0.55"), D("0.5"))
    assert finding.message == (
        "F1 shows 198.9 kWh where this channel shows 200: 0.55 % apart (limit 0.5 %)."
    )
    assert finding.fix


def test_a_check_meter_that_counts_while_the_main_one_stands_is_found():
    (finding,) = judge(INTERVAL, series([0] * 96), companion("CHECK", [0] * 95 + [5], code="F1"))
    assert (span(finding), finding.metric) == ((95, 96), None)
    assert finding.message == "F1 shows 5 kWh where this channel shows 0."
    (day,) = judge(DAILY, series([0] * 96), companion("CHECK", [0] * 95 + [5], code="F1"))
    assert (day.message, day.metric) == ("F1 shows 5 kWh where this channel shows 0.", None)


def test_small_readings_are_not_compared_where_a_limit_is_known():
    main, check = series([100] * 95 + [1]), companion("CHECK", [100] * 95 + [2])
    assert len(judge(INTERVAL, main, check)) == 1
    assert judge(INTERVAL, main, check, capacity_kw=D(800)) == []
    assert len(judge(INTERVAL, main, check, capacity_kw=D(799))) == 1
    idle, noise = series([1] * 96), companion("CHECK", [2] * 96)
    assert len(judge(DAILY, idle, noise)) == 1
    assert judge(DAILY, idle, noise, capacity_kw=D(800)) == []
    everything = MainCheckParameters(min_load_ratio=D(0))
    assert len(judge(INTERVAL, main, check, capacity_kw=D(800), parameters=everything)) == 1


def test_only_readings_of_both_that_nobody_doubts_are_compared():
    main = series([100] * 96)
    assert judge(INTERVAL, main, companion("CHECK", [None] * 96)) == []
    for status in (Status.ESTIMATED, Status.SUSPECT, Status.REJECTED):
        assert judge(INTERVAL, main, companion("CHECK", [50] * 96, status=status)) == []
    for status in (Status.RAW, Status.EDITED, Status.VALIDATED):
        assert len(judge(INTERVAL, main, companion("CHECK", [50] * 96, status=status))) == 1
    failed = np.ones(96, dtype=bool)
    assert judge(INTERVAL, main, companion("CHECK", [50] * 96), failed=failed) == []
    assert judge(INTERVAL, series([None] * 96), companion("CHECK", [50] * 96)) == []


def test_a_day_needs_most_of_its_intervals():
    main = series([100] * 96)
    thin = companion("CHECK", [50] * 76 + [None] * 20)
    assert judge(DAILY, main, thin) == []
    enough = companion("CHECK", [50] * 77 + [None] * 19)
    (finding,) = judge(DAILY, main, enough)
    assert "shows 3,850 kWh where this channel shows 7,700" in finding.message
    assert finding.metric == 50


def test_local_days_are_judged_apart():
    main = series([100] * 288)
    check = companion("CHECK", [100] * 96 + [101] * 96 + [100] * 96)
    (finding,) = judge(DAILY, main, check)
    assert (span(finding), finding.metric) == ((96, 192), 1)


def test_lacks_a_check_meter_on_the_same_intervals():
    wanted = "a check or backup meter of the same unit and interval length"
    main = series([100] * 96)
    others = (
        (),
        (companion("SCADA", [1] * 96),),
        (companion("CHECK", [1] * 95),),
        (companion("CHECK", [1] * 96, unit="kVArh"),),
    )
    for key in (INTERVAL, DAILY):
        for given_ in others:
            assert lacks(key, main, *given_) == wanted
            assert judge(key, main, *given_) == []
        assert lacks(key, main, companion("CHECK", [1] * 96)) == ""


values = st.lists(st.integers(0, 10**12) | st.just(MISSING), min_size=96, max_size=96)


@given(values)
def test_a_meter_never_differs_from_itself(given_values):
    main = micro_series(given_values)
    for key in (INTERVAL, DAILY):
        assert judge(key, main, companion("CHECK", main)) == []


@given(values, values)
def test_the_intervals_are_those_that_the_fractions_say(ours, theirs):
    main = micro_series(ours)
    found = judge(INTERVAL, main, companion("CHECK", micro_series(theirs)))
    flagged = {at for each in found for at in range(*span(each))}
    assert flagged == {
        at
        for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
        if MISSING not in (a, b) and abs(a - b) * 1000 > 5 * a
    }


@given(st.integers(2**40, 2**62), st.integers(2**40, 2**62))
def test_huge_readings_are_compared_exactly(ours, theirs):
    found = judge(INTERVAL, micro_series([ours]), companion("CHECK", micro_series([theirs])))
    assert bool(found) == (abs(ours - theirs) * 1000 > 5 * ours)
