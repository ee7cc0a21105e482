"""V11: capacity, capacity in steps, and the limit of the instrument transformers."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Capacity
from meters.validation.high_limit import HighLimitParameters
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.parameters import parse
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import QUARTER, START, judge, lacks, series, span

KEY = "high_limit@1"
PLAIN = HighLimitParameters(factor=Decimal(1))
SINGLE = HighLimitParameters(factor=Decimal(1), day_ratio=Decimal(1))


@needs_cases
def test_high_limit_examples():
    given_case = example("L1")["given"]
    parameters = HighLimitParameters(factor=Decimal(given_case["factor"]))
    capacity = Decimal(given_case["nameplate_kw"])
    at = series([given_case["value"]])
    assert judge(KEY, at, capacity_kw=capacity, parameters=parameters) == []
    over = series([example("L2")["given"]["value"]])
    (finding,) = judge(KEY, over, capacity_kw=capacity, parameters=parameters)
    assert (finding.code, finding.severity) == ("V11", Severity.ESTIMATE)
    assert (finding.metric, finding.threshold) == (Decimal("13125.001"), Decimal("13125"))
    assert finding.message == "13,125.001 kWh is above the limit of 13,125 kWh."


def test_the_smaller_limit_counts_and_tenants_have_their_own_factor():
    values = series([260, 270, 280, 270, 260])
    found = judge(KEY, values, capacity_kw=Decimal(1000))
    assert [(f.start_utc - START, f.end_utc - START) for f in found] == [
        (dt.timedelta(minutes=15), dt.timedelta(minutes=60))
    ]
    tenant = judge(KEY, values, capacity_kw=Decimal(1000), facts={"kind": "TENANT_LOAD"})
    assert [f.metric for f in tenant] == [Decimal(280)]
    both = judge(KEY, values, capacity_kw=Decimal(1000), high_limit_kw=Decimal(1000))
    assert both[0].end_utc - both[0].start_utc == dt.timedelta(minutes=75)
    assert judge(KEY, values) == []
    power = series([1051], unit="kW")
    assert len(judge(KEY, power, capacity_kw=Decimal(1000))) == 1


def step(quarter, kw):
    return Capacity(START + quarter * QUARTER, Decimal(kw))


def flagged(values, *steps, **more):
    found = judge(KEY, series(values), capacities=steps, parameters=SINGLE, **more)
    return [(span(f), f.threshold) for f in found]


def test_each_step_of_commissioning_has_its_own_limit():
    values = [150] * 6
    assert flagged(values, step(-9, 400), step(2, 500), step(4, 600)) == [
        ((0, 2), 100),
        ((2, 4), 125),
    ]
    assert flagged(values, step(2, 400), capacity_kw=Decimal(600)) == [((2, 6), 100)]
    assert flagged(values, step(2, 400)) == [((2, 6), 100)]
    assert flagged(values, step(4, 400), step(2, 600)) == [((4, 6), 100)]
    assert flagged(values, step(99, 400)) == []


def test_an_interval_in_which_the_capacity_changes_has_the_larger_one():
    middle = dt.timedelta(minutes=5)
    rises = [Capacity(START, Decimal(400)), Capacity(START + QUARTER + middle, Decimal(600))]
    assert flagged([150, 150, 150], *rises) == [((0, 1), 100)]
    falls = [Capacity(START, Decimal(600)), Capacity(START + QUARTER + middle, Decimal(400))]
    assert flagged([150, 150, 150], *falls) == [((2, 3), 100)]


def test_the_smaller_of_step_and_channel_limit_counts():
    assert flagged([150, 150], step(0, 400), step(1, 900), high_limit_kw=Decimal(500)) == [
        ((0, 1), 100),
        ((1, 2), 125),
    ]


def test_the_limit_of_the_instrument_transformers():
    rated = HighLimitParameters(line_v=Decimal(34500), primary_a=Decimal(2000))
    # sqrt(3) x 34500 V x 2000 A / 1000 = 119511.505722... kW, a quarter of it per interval
    at, over = "29877.876430", "29877.876431"
    (found,) = judge(KEY, series([at, over]), parameters=rated)
    assert (span(found), found.metric) == ((1, 2), Decimal(over))
    assert found.threshold == Decimal(at)
    assert found.message == "29,877.876431 kWh is above the limit of 29,877.87643 kWh."
    capacity = judge(KEY, series([at]), parameters=rated, capacity_kw=Decimal(50000))
    assert [f.threshold for f in capacity] == [Decimal(13125)]
    twice = HighLimitParameters(
        line_v=Decimal(34500), primary_a=Decimal(2000), rating_factor=Decimal(2)
    )
    assert judge(KEY, series([over]), parameters=twice) == []


def test_voltage_and_current_belong_together():
    with pytest.raises(Refused, match="Give line_v and primary_a together, or neither"):
        parse(HighLimitParameters, {"line_v": "34500"})


def test_it_says_what_it_lacks():
    text = "a capacity of the point or a high limit of the channel"
    assert lacks(KEY, series([1])) == text
    assert lacks(KEY, series([1], unit="V"), capacity_kw=Decimal(1)) == text
    assert lacks(KEY, series([1]), capacities=[step(0, 1)]) == ""
    rated = HighLimitParameters(line_v=Decimal(480), primary_a=Decimal(100))
    assert lacks(KEY, series([1]), parameters=rated) == ""
    assert judge(KEY, series([]), capacity_kw=Decimal(1)) == []


@given(st.lists(st.integers(0, 400), min_size=1, max_size=20), st.permutations(range(4)))
def test_steps_in_any_order_agree_with_looking_each_interval_up(values, order):
    kws = [400, 800, 200, 600]
    steps = [step(n * 4, kws[n]) for n in order]
    found = {n for (a, b), _ in flagged(values, *steps) for n in range(a, b)}
    assert found == {
        n for n, value in enumerate(values) if value > Decimal(kws[min(n // 4, 3)]) / 4
    }


def scaled(values, **more):
    found = judge(KEY, series(values), capacity_kw=Decimal(1000), parameters=PLAIN, **more)
    return [(span(f), str(f.severity)) for f in found]


def test_most_of_a_day_above_the_limit_is_a_fault_of_scale_and_held():
    normal, wrong = [100] * 96, [40000] * 96
    assert scaled(normal + wrong + normal) == [((96, 192), "HOLD")]
    assert scaled(wrong + wrong) == [((0, 192), "HOLD")]
    with_lulls = [100] * 10 + [40000, 100] * 5 + [40000] * 60 + [100] * 16
    assert scaled(with_lulls) == [((10, 80), "HOLD")]


def test_half_a_day_or_too_few_readings_above_the_limit_are_single_readings():
    assert scaled([40000] * 48 + [100] * 48) == [((0, 48), "ESTIMATE")]
    assert scaled([40000] * 49 + [100] * 47) == [((0, 49), "HOLD")]
    assert scaled([40000] * 7) == [((0, 7), "ESTIMATE")]
    assert scaled([40000] * 8) == [((0, 8), "HOLD")]
    missing = [None] * 88 + [40000] * 5 + [100] * 3
    assert scaled(missing) == [((88, 93), "ESTIMATE")]


def test_the_share_and_the_least_count_are_parameters():
    strict = HighLimitParameters(day_ratio=Decimal(1))
    found = judge(KEY, series([40000] * 96), capacity_kw=Decimal(1000), parameters=strict)
    assert [f.severity for f in found] == [Severity.ESTIMATE]
    few = HighLimitParameters(day_intervals=3)
    found = judge(KEY, series([40000] * 3), capacity_kw=Decimal(1000), parameters=few)
    assert [f.severity for f in found] == [Severity.HOLD]


@pytest.mark.parametrize(
    ("value", "ratios", "factor"),
    [
        (80000, [Decimal(400)], "400"),
        (200000, [Decimal(400)], "1,000"),
        (80000, [Decimal(1)], "1,000"),
        (80000, [Decimal(10), Decimal(400)], "400"),
        (300000, [Decimal(400)], None),
    ],
)
def test_the_finding_names_the_factor_that_explains_it(value, ratios, factor):
    (found,) = judge(
        KEY,
        series([value] * 96),
        capacity_kw=Decimal(1000),
        parameters=PLAIN,
        facts={"ratios": tuple(ratios)},
    )
    named = f"as if multiplied by {factor} once too often"
    assert ("as if multiplied" in found.message, named in found.message) == (bool(factor),) * 2
    assert found.message.startswith("96 of 96 readings are above the limit of 250 kWh, up to ")
    assert "read the file again" in found.fix
