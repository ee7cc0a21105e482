"""V25: the average day of a period against an earlier one."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import PastPeriod
from meters.validation import Stage, rules
from meters.validation.usage import UsageParameters, average_day
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import D, judge, lacks, micro_series, series

KEY = "usage@1"


def past(adu, name="October 2025", valid="1", days=30):
    """Return an earlier period with an average day."""
    return PastPeriod(name, D(adu) * days, D(0), D(24 * days), D(valid))


def days_with(total, days=30):
    """Return a series of days (one interval each) with a total."""
    return series([D(total)] + [0] * (days - 1), minutes=1440)


@needs_cases
@pytest.mark.parametrize("name", ["L4", "L5"])
def test_worked_months(name):
    case = example(name)
    facts, wanted = case["given"], case["expect"]
    month = days_with(facts["kwh"], facts["days"])
    earlier = past(facts["hist_adu"])
    assert judge(KEY, month, previous=earlier) == []
    assert average_day(month.total(), D(facts["days"] * 24)) == D(wanted["adu"])
    tight = UsageParameters(high_ratio=D(wanted["ratio"]) - D("0.001"))
    (finding,) = judge(KEY, month, previous=earlier, parameters=tight)
    assert finding.metric == D(wanted["ratio"])


@needs_cases
def test_the_worked_month_of_721_hours():
    case = example("L7")
    facts, wanted = case["given"], case["expect"]
    first, after = (dt.date.fromisoformat(facts[each]) for each in ("start", "end"))
    period = Period.days_between(facts["tz"], first, after - dt.timedelta(days=1))
    assert period.hours == wanted["hours"]
    grid = Grid.spanning(period.start_utc, period.end_utc, 60)
    month = Series.of(grid, [D(facts["kwh"])] + [0] * (grid.count - 1), "kWh")
    adu = average_day(month.total(), period.hours)
    assert round(adu, 3) == D(wanted["adu"])
    tight = UsageParameters(high_ratio=D("1.3"))
    (finding,) = judge(KEY, month, previous=past(facts["hist_adu"]), parameters=tight)
    assert finding.metric.quantize(D("0.0001")) == D(wanted["ratio"])


def test_above_and_below_warn():
    (high,) = judge(KEY, days_with("10800000.3"), previous=past(240000))
    assert (high.code, high.severity, high.threshold) == ("V25", Severity.WARN, D("1.5"))
    assert high.message == (
        "An average day has 360,000.01 kWh, in October 2025 it had 240,000 kWh: 1.5 times as much "
        "(limits 0.5 to 1.5)."
    )
    assert (high.end_utc - high.start_utc).days == 30
    assert high.data["compared_with"] == "October 2025"
    (low,) = judge(KEY, days_with("3599999.7"), previous=past(240000))
    assert (low.threshold, low.metric < D("0.5")) == (D("0.5"), True)
    assert judge(KEY, days_with("3600000"), previous=past(240000)) == []


def test_the_year_before_goes_before_the_previous_period_if_it_was_measured():
    month = days_with(3000)
    year, month_before = past(100, "November 2024"), past(30, "October 2025")
    assert judge(KEY, month, year_ago=year, previous=month_before) == []
    (finding,) = judge(KEY, month, previous=month_before)
    assert finding.data["compared_with"] == "October 2025"
    thin = past(100, "November 2024", valid="0.799")
    assert judge(KEY, month, year_ago=thin, previous=month_before) == [finding]
    enough = past(100, "November 2024", valid="0.8")
    assert judge(KEY, month, year_ago=enough, previous=month_before) == []
    silent = past(0, "November 2024")
    assert judge(KEY, month, year_ago=silent, previous=month_before) == [finding]


def test_hours_without_a_value_count_neither_way():
    half = series([100] * 15 + [None] * 15, minutes=1440)
    assert judge(KEY, half, previous=past(100)) == []
    assert judge(KEY, series([None] * 30, minutes=1440), previous=past(100)) == []


def test_next_to_nothing_is_not_compared_where_a_limit_is_known():
    month = days_with(300)  # 10 kWh a day
    assert len(judge(KEY, month, previous=past(1))) == 1
    assert judge(KEY, month, previous=past(1), capacity_kw=D("41.667")) == []
    assert len(judge(KEY, month, previous=past(1), capacity_kw=D("41.666"))) == 1


def test_lacks():
    wanted = "an earlier period with energy to compare with"
    month = days_with(3000)
    assert lacks(KEY, month) == wanted
    assert lacks(KEY, month, previous=past(0)) == wanted
    assert lacks(KEY, month, previous=past(1)) == ""
    assert lacks(KEY, series([1], unit="V"), previous=past(1)) == "a channel of energy"
    assert judge(KEY, series([1], unit="V"), previous=past(100)) == []
    assert judge(KEY, month) == []


def test_it_judges_when_a_period_closes():
    assert rules.get(KEY).stage == Stage.PERIOD


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=31),
    st.integers(1, 10**9),
    st.integers(1, 31),
)
def test_the_law(values, before, days):
    month = micro_series(values, minutes=1440)
    found = judge(KEY, month, previous=past(before, days=days))
    now = sum(values)  # per day: / len / 10^6
    inside = before * len(values) * 10**6 <= 2 * now <= 3 * before * len(values) * 10**6
    assert (not found) == inside
