"""V13: the highest interval of a day against the third highest; corroborated spikes."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.circumstances import Capacity
from meters.validation.spike import CORROBORATED, SpikeParameters, assess
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Status
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import START, companion, judge, micro_series, series, span

KEY = "spike@1"
DAY = [90] * 40 + [5000] + [90] * 55


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
    found = judge(KEY, series(spike_case(case["given"])))
    flagged = case["expect"]["flagged"]
    assert [f.start_utc for f in found] == [START + dt.timedelta(minutes=15 * n) for n in flagged]
    for finding in found:
        assert (finding.code, finding.severity) == ("V13", Severity.HOLD)
        assert finding.metric == Decimal(case["expect"]["ratio"])
        assert finding.threshold == Decimal("1.8")


def test_a_spike_is_told_with_its_limit_where_it_stands():
    (found,) = judge(KEY, series(DAY))
    assert (found.code, found.severity, span(found)) == ("V13", Severity.HOLD, (40, 41))
    assert found.message == (
        "5,000 kWh stands out: the highest interval of the local day exceeds its third highest by "
        "54.55556 times (limit 1.8)."
    )
    assert found.fix == "Accept it when the peak was real, or estimate it."
    (alone,) = judge(KEY, series([0] * 40 + [50] + [0] * 55))
    assert (alone.metric, alone.threshold, span(alone)) == (None, Decimal("1.8"), (40, 41))
    assert alone.message == (
        "50 kWh stands alone: the third highest interval of the local day is zero."
    )


def test_spike_judges_local_days_apart_and_leaves_failed_intervals_out():
    two_days = [1] * 96 + [100] * 96
    assert judge(KEY, series(two_days)) == []
    batch = judge(KEY, series([1] * 190 + [100] * 2), parameters=SpikeParameters(mode="BATCH"))
    assert len(batch) == 1
    failed = np.zeros(96, dtype=bool)
    failed[40] = True
    day = [90] * 40 + [5000] + [90] * 55
    assert len(judge(KEY, series(day))) == 1
    assert judge(KEY, series(day), failed=failed) == []
    missing = [90] * 40 + [None] + [90] * 55
    assert judge(KEY, series(missing)) == []


def test_a_lone_small_peak_is_not_judged_when_a_limit_says_it_is_small():
    day = [0] * 40 + [5] + [0] * 55
    assert len(judge(KEY, series(day))) == 1
    assert judge(KEY, series(day), capacity_kw=Decimal(2000)) == []
    assert len(judge(KEY, series(day), capacity_kw=Decimal(1999))) == 1


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


@pytest.mark.parametrize(
    ("relation", "unit"), [("REACTIVE", "kVArh"), ("CHECK", "kWh")], ids=["kVArh", "check"]
)
def test_a_spike_that_another_channel_shows_only_warns(relation, unit):
    other = [30] * 40 + [900] + [30] * 55
    (found,) = judge(KEY, series(DAY), companion(relation, other, "TEN/2", unit=unit))
    assert (found.code, found.severity, span(found)) == ("V13", Severity.WARN, (40, 41))
    assert found.data == {"verdict": CORROBORATED, "witnesses": ["TEN/2"]}
    assert found.message.endswith("(limit 1.8). TEN/2 shows the same.")
    assert "both channels" in found.fix


def test_reactive_energy_is_corroborated_by_active_energy():
    active = companion("ACTIVE", DAY, "TEN/1")
    (found,) = judge(KEY, series(DAY, unit="kVArh"), active)
    assert found.severity == Severity.WARN


@pytest.mark.parametrize(
    "other",
    [
        companion("CHECK", [90] * 96),
        companion("CHECK", [90] * 41 + [5000] + [90] * 54),  # another interval
        companion("CHECK", DAY, status=Status.ESTIMATED),
        companion("CHECK", [90] * 40 + [None] + [90] * 55),
        companion("ACTIVE", DAY),
        companion("SCADA", DAY),
    ],
)
def test_what_does_not_spike_by_its_own_measurement_corroborates_nothing(other):
    (found,) = judge(KEY, series(DAY), other)
    assert (found.severity, found.data) == (Severity.HOLD, {})


def test_of_two_spikes_one_may_be_corroborated():
    day = [90] * 40 + [5000, 6000] + [90] * 54
    other = companion("CHECK", [90] * 40 + [5000] + [90] * 55, "CHK")
    first, second = judge(KEY, series(day), other)
    assert (span(first), first.severity) == ((40, 41), Severity.WARN)
    assert (span(second), second.severity) == ((41, 42), Severity.HOLD)


@pytest.mark.parametrize(("flag", "count"), [("LONG", 0), ("SHORT", 0), ("POWER_FAIL", 1)])
def test_a_long_interval_is_no_spike(flag, count):
    assert len(judge(KEY, series(DAY), flags=[(40, 41, flag, {})])) == count


def test_a_flat_load_takes_a_tighter_threshold():
    day = [100] * 40 + [131] + [100] * 55
    assert judge(KEY, series(day)) == []
    tight = SpikeParameters(threshold=Decimal("0.3"))
    (found,) = judge(KEY, series(day), parameters=tight)
    assert (found.metric, found.threshold) == (Decimal("0.31"), Decimal("0.3"))
    assert judge(KEY, series([100] * 40 + [130] + [100] * 55), parameters=tight) == []


def test_of_several_capacities_the_least_says_what_a_small_peak_is():
    day = [0] * 40 + [5] + [0] * 55
    steps = [Capacity(START, Decimal(1999)), Capacity(START + dt.timedelta(hours=3), Decimal(9999))]
    assert len(judge(KEY, series(day), capacities=steps)) == 1
    assert judge(KEY, series(day), capacities=steps[1:], capacity_kw=Decimal(2000)) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=24, max_size=24), min_size=2, max_size=4),
       st.randoms())  # fmt: skip
def test_days_are_judged_one_by_one(days, random):
    def verdicts(given_days):
        values = [value for day in given_days for value in day]
        found = judge(KEY, micro_series(values, minutes=60))
        return sorted(
            ((f.start_utc - START).seconds, f.metric, tuple(given_days[(f.start_utc - START).days]))
            for f in found if f.metric is not None
        )  # fmt: skip

    shuffled = list(days)
    random.shuffle(shuffled)
    assert verdicts(days) == verdicts(shuffled)
