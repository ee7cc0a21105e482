"""Validation rules: the worked examples, edges of strict comparison, and laws."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.validation import ValidationContext, rules
from meters.validation.high_limit import HighLimitParameters
from meters.validation.implausible_unit import ImplausibleUnitParameters
from meters.validation.spike import SpikeParameters, assess
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import describe
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.meters.cases import example, needs_cases

START = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)  # midnight in Chicago
ZONE = "America/Chicago"


def series(values, minutes=15, start=START, unit="kWh"):
    numbers = [None if value is None else Decimal(str(value)) for value in values]
    return Series.of(Grid(start, minutes, len(numbers)), numbers, unit)


def check(key, given_series, **context):
    return rules.get(key).check(given_series, ValidationContext(zone=ZONE, **context))


def spike_case(given_values):
    values = [Decimal(given_values.get("base", "90"))] * given_values["n"]
    for at, value in given_values.get("peaks", {}).items():
        values[int(at)] = Decimal(value)
    return values


@needs_cases
@pytest.mark.parametrize("name", ["S1", "S2", "S4", "S6", "S7", "S8"])
def test_spike_examples(name):
    case = example(name)
    values = series(spike_case(case["given"])).values
    verdict = assess(values, SpikeParameters(), Fraction(0))
    want = case["expect"]
    assert verdict.result == want["result"]
    if want.get("ratio") is not None:
        assert verdict.ratio == Decimal(want["ratio"])
    if "flagged" in want:
        assert list(verdict.flagged) == want["flagged"]
    if "reason" in want:
        assert verdict.reason == want["reason"]


@needs_cases
@pytest.mark.parametrize("name", ["S1", "S2", "S7"])
def test_spike_examples_as_findings(name):
    case = example(name)
    found = check("spike@1", series(spike_case(case["given"])))
    flagged = case["expect"]["flagged"]
    assert [f.start_utc for f in found] == [START + dt.timedelta(minutes=15 * n) for n in flagged]
    for finding in found:
        assert (finding.code, finding.severity) == ("V13", Severity.HOLD)
        assert finding.metric == Decimal(case["expect"]["ratio"])
        assert finding.threshold == Decimal("1.8")


def test_spike_judges_local_days_apart_and_leaves_failed_intervals_out():
    two_days = [1] * 96 + [100] * 96
    assert check("spike@1", series(two_days)) == []
    batch = check(
        "spike@1", series([1] * 190 + [100] * 2), parameters=SpikeParameters(mode="BATCH")
    )
    assert len(batch) == 1
    failed = np.zeros(96, dtype=bool)
    failed[40] = True
    day = [90] * 40 + [5000] + [90] * 55
    assert len(check("spike@1", series(day))) == 1
    assert check("spike@1", series(day), failed=failed) == []
    missing = [90] * 40 + [None] + [90] * 55
    assert check("spike@1", series(missing)) == []


def test_a_lone_small_peak_is_not_judged_when_a_limit_says_it_is_small():
    day = [0] * 40 + [5] + [0] * 55
    assert len(check("spike@1", series(day))) == 1
    assert check("spike@1", series(day), capacity_kw=Decimal(2000)) == []
    assert len(check("spike@1", series(day), capacity_kw=Decimal(1999))) == 1


@needs_cases
def test_high_limit_examples():
    given_case = example("L1")["given"]
    parameters = HighLimitParameters(factor=Decimal(given_case["factor"]))
    capacity = Decimal(given_case["nameplate_kw"])
    at = series([given_case["value"]])
    assert check("high_limit@1", at, capacity_kw=capacity, parameters=parameters) == []
    over = series([example("L2")["given"]["value"]])
    (finding,) = check("high_limit@1", over, capacity_kw=capacity, parameters=parameters)
    assert (finding.code, finding.severity) == ("V11", Severity.ESTIMATE)
    assert (finding.metric, finding.threshold) == (Decimal("13125.001"), Decimal("13125"))
    assert finding.message == "13125.001 kWh is above the limit of 13125 kWh."


def test_the_smaller_limit_counts_and_tenants_have_their_own_factor():
    values = series([260, 270, 280, 270, 260])
    found = check("high_limit@1", values, capacity_kw=Decimal(1000))
    assert [(f.start_utc - START, f.end_utc - START) for f in found] == [
        (dt.timedelta(minutes=15), dt.timedelta(minutes=60))
    ]
    tenant = check("high_limit@1", values, capacity_kw=Decimal(1000), facts={"kind": "TENANT_LOAD"})
    assert [f.metric for f in tenant] == [Decimal(280)]
    both = check("high_limit@1", values, capacity_kw=Decimal(1000), high_limit_kw=Decimal(1000))
    assert both[0].end_utc - both[0].start_utc == dt.timedelta(minutes=75)
    assert check("high_limit@1", values) == []
    power = series([1051], unit="kW")
    assert len(check("high_limit@1", power, capacity_kw=Decimal(1000))) == 1


@needs_cases
def test_gap_example():
    case = example("G1")
    period = Period.day(case["given"]["tz"], dt.date.fromisoformat(case["given"]["date"]))
    grid = period.grid(15)
    absent = {29, 30, 31, 95}
    numbers = [None if n in absent else Decimal(1) for n in range(grid.count)]
    assert grid.count == case["expect"]["expected"]
    found = check("gap@1", Series.of(grid, numbers, "kWh"))
    shown = [[f"{f.start_utc:%Y-%m-%dT%H:%MZ}", f"{f.end_utc:%Y-%m-%dT%H:%MZ}", int(f.metric)]
             for f in found]  # fmt: skip
    assert shown == case["expect"]["gaps"]
    assert {f.severity for f in found} == {Severity.ESTIMATE}


def test_gap_looks_where_readings_are_expected_and_nowhere_else():
    values = series([None, 1, 1, None])
    wider = Grid(START - dt.timedelta(minutes=30), 15, 5)
    (finding,) = check("gap@1", values, expected=wider)
    assert (finding.start_utc, finding.end_utc) == (
        wider.start_utc,
        START + dt.timedelta(minutes=15),
    )
    assert finding.data == {"count": 3}
    assert check("gap@1", values, expected=Grid(START, 15, 0)) == []
    far = Grid(START + dt.timedelta(days=9), 15, 2)
    assert [f.data["count"] for f in check("gap@1", values, expected=far)] == [2]


@needs_cases
def test_duplicate_example():
    case = example("G2")
    starts = {}
    for clock, value in case["given"]["rows"]:
        starts.setdefault(clock, []).append(Decimal(value))
    given_list = [(START + dt.timedelta(minutes=15 * n), v) for n, v in enumerate(starts.values())]
    found = check("duplicate@1", series([500, None]), duplicates=given_list)
    assert len(found) == case["expect"]["conflicting"]
    assert (found[0].code, found[0].severity) == ("V02", Severity.REJECT)
    assert found[0].message == "Different values for one interval: 510 and 512 kWh."


@needs_cases
def test_negative_example():
    value = example("G7")["given"]["value"]
    (finding,) = check("negative@1", series([1, value, "-5", 1]), direction="DELIVERED")
    assert (finding.code, finding.metric, finding.threshold) == ("V04", Decimal(-5), 0)
    assert finding.end_utc - finding.start_utc == dt.timedelta(minutes=30)
    assert check("negative@1", series([value]), direction="NET") == []
    assert check("negative@1", series([0, None])) == []


def test_implausible_unit():
    tiny = series(["0.001", "0.249"])  # 1 kW peak on a 1000 kW point
    (finding,) = check("implausible_unit@1", tiny, capacity_kw=Decimal(1000))
    assert (finding.code, finding.severity) == ("F10", Severity.HOLD)
    assert (finding.metric, finding.threshold) == (Decimal("0.249"), Decimal("0.25"))
    at = series(["0.250"])
    assert check("implausible_unit@1", at, capacity_kw=Decimal(1000)) == []
    assert check("implausible_unit@1", series([0, 0]), capacity_kw=Decimal(1000)) == []
    assert check("implausible_unit@1", series([None]), capacity_kw=Decimal(1000)) == []
    assert check("implausible_unit@1", tiny) == []
    reactive = series(["0.001"], unit="kVArh")
    assert check("implausible_unit@1", reactive, capacity_kw=Decimal(1000)) == []
    strict = ImplausibleUnitParameters(min_ratio=Decimal("0.0001"))
    assert check("implausible_unit@1", tiny, capacity_kw=Decimal(1000), parameters=strict) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 10**12), min_size=20, max_size=40), st.decimals(0, 5, places=3))
def test_spike_agrees_with_the_definition_in_exact_fractions(values, threshold):
    verdict = assess(np.array(values), SpikeParameters(threshold=threshold), Fraction(0))
    ranked = sorted(values, reverse=True)
    third = ranked[2]
    if ranked[0] == 0:
        assert verdict.result == "NOT_APPLICABLE"
        return
    flagged = [
        n for n, value in enumerate(values)
        if (value > 0 if third == 0 else Fraction(value - third, third) > Fraction(threshold))
    ]  # fmt: skip
    assert list(verdict.flagged) == flagged
    assert verdict.result == ("FAIL" if flagged else "PASS")
    assert len(flagged) <= 2


@pytest.mark.parametrize("key", rules.keys())
def test_every_rule_explains_itself(key):
    rule = rules.get(key)
    assert rule.code[0] in "VF"
    assert rule.title
    rule.Parameters()
    assert all(entry["help"] for entry in describe(rule.Parameters))
