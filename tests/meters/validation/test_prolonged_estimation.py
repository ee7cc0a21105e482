"""V27: how much of a period was estimated, and how many days in a row."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.validation import Stage, rules
from meters.validation.prolonged_estimation import (
    EstimatedDaysParameters,
    ProlongedEstimationParameters,
)
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from tests.meters.validation.makers import START, D, judge, span

SHARE, DAYS = "prolonged_estimation@1", "estimated_days@1"


def month(estimated, count=2976, status=Status.ESTIMATED, start=START, minutes=15):
    """Return a series of which these intervals (indices or a mask) are estimated."""
    values = np.full(count, 10**6, dtype=np.int64)
    states = np.full(count, int(Status.VALIDATED), dtype=np.uint8)
    states[estimated] = int(status)
    return Series(Grid(start, minutes, count), values, states, "kWh")


class TestShare:
    def test_five_percent_pass_and_one_interval_more_warns(self):
        assert judge(SHARE, month(slice(0, 100), 2000)) == []
        (finding,) = judge(SHARE, month(slice(0, 101), 2000))
        assert (finding.code, finding.severity) == ("V27", Severity.WARN)
        assert (finding.metric, finding.threshold, span(finding)) == (D("5.05"), 5, (0, 2000))
        assert finding.message == "101 of 2000 intervals are estimated: 5.05 % (limit 5 %)."

    @pytest.mark.parametrize("status", [Status.EDITED, Status.SUSPECT, Status.CALCULATED])
    def test_other_statuses_are_no_estimates(self, status):
        assert judge(SHARE, month(slice(0, 2000), status=status)) == []

    def test_a_final_substitute_counts(self):
        assert len(judge(SHARE, month(slice(0, 2000), status=Status.SUBSTITUTED_FINAL))) == 1

    def test_another_limit(self):
        more = ProlongedEstimationParameters(share_pct=D(50))
        assert judge(SHARE, month(slice(0, 1000), 2000), parameters=more) == []

    @given(st.integers(0, 2000))
    def test_the_law(self, count):
        assert bool(judge(SHARE, month(slice(0, count), 2000))) == (count * 20 > 2000)


class TestDays:
    def test_three_days_in_a_row_pass_and_four_warn(self):
        assert judge(DAYS, month(slice(96, 4 * 96))) == []
        (finding,) = judge(DAYS, month(slice(96, 5 * 96)))
        assert (finding.code, finding.severity) == ("V27D", Severity.WARN)
        assert (finding.metric, finding.threshold) == (4, 3)
        assert span(finding) == (96, 480)
        assert finding.message == (
            "4 days in a row are estimated, 2026-03-03 to 2026-03-06 (limit 3 days)."
        )

    def test_half_a_day_does_not_count_and_more_does(self):
        mask = np.zeros(2976, dtype=bool)
        for day in range(4):
            mask[day * 96 : day * 96 + 48] = True
        assert judge(DAYS, month(mask)) == []
        mask[[48, 144, 240, 336]] = True
        assert len(judge(DAYS, month(mask))) == 1
        strict = EstimatedDaysParameters(day_ratio=D("0.6"))
        assert judge(DAYS, month(mask), parameters=strict) == []

    def test_the_days_of_a_clock_change_count_whole(self):
        """March 2026 in Chicago: the 8th has 92 quarter-hours."""
        period = Period.month("America/Chicago", "2026-03")
        grid = period.grid(15)
        start = Period.day("America/Chicago", dt.date(2026, 3, 7)).start_utc - grid.start_utc
        first = start // dt.timedelta(minutes=15)
        stretch = month(slice(first, first + 96 + 92 + 96 + 49), grid.count, start=grid.start_utc)
        (finding,) = judge(DAYS, stretch)
        assert finding.metric == 4
        assert finding.message.startswith("4 days in a row are estimated, 2026-03-07 to 2026-03-10")
        less = month(slice(first, first + 96 + 92 + 96 + 48), grid.count, start=grid.start_utc)
        assert judge(DAYS, less) == []

    def test_two_runs_are_two_findings(self):
        april = dt.datetime(2026, 4, 1, 5, tzinfo=dt.UTC)  # no clock change
        mask = np.ones(30 * 96, dtype=bool)
        mask[10 * 96 : 11 * 96] = False
        found = judge(DAYS, month(mask, 30 * 96, start=april))
        assert [f.metric for f in found] == [10, 19]

    def test_both_judge_when_a_period_closes(self):
        assert {rules.get(key).stage for key in (SHARE, DAYS)} == {Stage.PERIOD}
