"""V24 for stores: efficiency over 30 days, state of charge, both ways at once."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Plant
from meters.validation import Stage, rules
from meters.validation.state_of_charge import StateOfChargeParameters
from meters.validation.storage import BothWaysParameters, StorageEfficiencyParameters
from poweroptix.kernel.finding import Severity
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

STORE = {"kind": "STORAGE", "technology": "BATTERY"}
EFFICIENCY, STATE, BOTH = "storage_efficiency@1", "state_of_charge@1", "both_ways@1"
APRIL = dt.datetime(2026, 4, 1, 5, tzinfo=dt.UTC)  # midnight in Chicago, 30 days of 24 hours


def month(daily, start=APRIL):
    """Return a month of hours of which the first of each day carries the day."""
    values = np.zeros(24 * len(daily), dtype=object)
    values[::24] = daily
    return series(list(values), minutes=60, start=start)


def charged(given_):
    return companion("CHARGE", given_, code="BAT/REC")


def days_of(finding, start=APRIL):
    return (finding.start_utc - start).days, (finding.end_utc - start).days


class TestEfficiency:
    def judged(self, discharge, charge, **more):
        return judge(EFFICIENCY, discharge, charged(charge), **{"facts": STORE} | more)

    @needs_cases
    def test_the_worked_month(self):
        case = example("P4")
        facts = case["given"]
        out = month([0] * 29 + [D(facts["discharge"])])
        (finding,) = self.judged(out, month([D(facts["charge"])] + [0] * 29))
        assert case["expect"]["result"] == "FAIL"
        assert finding.metric == D(case["expect"]["rte"])
        assert (finding.code, finding.severity) == ("V24G", Severity.HOLD)
        assert (finding.threshold, days_of(finding)) == (D("0.95"), (0, 30))
        assert finding.message == (
            "Over 30 days 95,001 kWh came out of 100,000 kWh of charge (95.001 %); believable are "
            "75 % to 95 %."
        )

    @pytest.mark.parametrize(("out", "count"), [(75000, 0), (95000, 0), (74999, 1), (95001, 1)])
    def test_the_limits_pass(self, out, count):
        found = self.judged(month([0] * 29 + [out]), month([100000] + [0] * 29))
        assert len(found) == count

    def test_every_row_of_thirty_days_is_judged_and_failing_rows_make_one_finding(self):
        out = month([85] * 31 + [85] * 5 + [400] + [85] * 8)
        (finding,) = self.judged(out, month([100] * 45))
        assert days_of(finding) == (7, 45)
        assert finding.metric == D(85 * 29 + 400) / 3000

    def test_too_little_and_too_much_are_told_apart(self):
        out = month([0] * 30 + [200] * 30)
        low, high = self.judged(out, month([100] * 60))
        assert (low.threshold, low.metric, days_of(low)) == (D("0.75"), 0, (0, 41))
        assert (high.threshold, high.metric, days_of(high)) == (D("0.95"), 2, (15, 60))

    def test_february_is_judged_whole_and_a_week_is_not(self):
        start = dt.datetime(2026, 2, 1, 6, tzinfo=dt.UTC)
        out, taken = month([96] * 28, start), month([100] * 28, start)
        (finding,) = self.judged(out, taken)
        assert finding.message.startswith("Over 28 days 2,688 kWh came out of 2,800 kWh")
        week = month([96] * 7), month([100] * 7)
        assert self.judged(*week) == []
        assert lacks(EFFICIENCY, week[0], charged(week[1]), facts=STORE) == "at least 28 days"
        shorter = StorageEfficiencyParameters(days=7)
        assert len(self.judged(*week, parameters=shorter)) == 1

    def test_a_store_that_hardly_moved_is_not_judged(self):
        plant = Plant(usable_kwh=D(40_000))
        out, idle = month([0] * 30), month([1300] * 30)  # standby losses
        assert self.judged(out, idle, plant=plant) == []
        assert len(self.judged(out, month([1334] * 30), plant=plant)) == 1
        assert self.judged(month([0] * 30), month([0] * 30)) == []

    def test_discharge_without_any_charge_is_found(self):
        (finding,) = self.judged(month([50] * 30), month([0] * 30))
        assert finding.metric is None
        assert finding.message == (
            "Over 30 days 1,500 kWh came out of 0 kWh of charge; believable are 75 % to 95 %."
        )

    def test_a_gap_or_a_doubted_charge_is_not_judged(self):
        out = month([0] * 29 + [99])
        assert self.judged(out, month([100] + [0] * 28 + [None])) == []
        doubted = series([1] * 720, minutes=60, start=APRIL, status=Status.SUSPECT)
        assert self.judged(out, doubted) == []

    def test_a_net_channel_is_judged_alone(self):
        net = month([-100, 96] * 15)
        (finding,) = judge(EFFICIENCY, net, facts=STORE, direction="NET")
        assert finding.metric == D("0.96")
        assert judge(EFFICIENCY, month([-100, 90] * 15), facts=STORE, direction="NET") == []

    def test_it_judges_when_a_period_closes(self):
        assert rules.get(EFFICIENCY).stage == Stage.PERIOD

    def test_lacks(self):
        out = month([1] * 30)
        wanted = "the discharge of a store in kWh"
        assert lacks(EFFICIENCY, out, charged(out)) == wanted
        assert lacks(EFFICIENCY, out, charged(out), facts=STORE, direction="RECEIVED") == wanted
        assert lacks(EFFICIENCY, out, facts=STORE) == "its charge on the same intervals"
        assert lacks(EFFICIENCY, out, charged(out), facts=STORE) == ""
        assert judge(EFFICIENCY, out, facts=STORE) == []


class TestStateOfCharge:
    plant = Plant(usable_kwh=D(40_000), charge_ratio=D("0.94"), discharge_ratio=D("0.94"))

    def judged(self, state, charge, discharge, **more):
        given_ = companion("STATE_OF_CHARGE", state, code="BAT/SOC", unit="%")
        more = {"facts": STORE, "plant": self.plant} | more
        return judge(STATE, series(discharge), charged(series(charge)), given_, **more)

    def test_five_percent_pass_and_a_millionth_more_is_held(self):
        # 30 points of 40 MWh are 12,000 kWh stored, 12,765.957... kWh of charge.
        state = [40, 50, 60, 70]
        for stored, count in ((12000, 0), (12600, 0), (11400, 0), (12601, 1), (11399, 1)):
            charge = (D(stored) / D("0.94")).quantize(D("0.000001"))
            nudged = charge - D("0.000001") if stored == 12600 else charge
            nudged = charge + D("0.000001") if stored == 11400 else nudged
            assert len(self.judged(state, [nudged, 0, 0, 0], [0] * 4)) == count

    def test_what_it_says(self):
        plant = Plant(usable_kwh=D(40_000), charge_ratio=D("0.9"), discharge_ratio=D("0.8"))
        (finding,) = self.judged([80, 50, 40, 40], [0, 0, 0, 0], [8000, 5600, 0, 0], plant=plant)
        assert (finding.code, finding.severity, span(finding)) == ("V24H", Severity.HOLD, (0, 3))
        assert (finding.metric, finding.threshold) == (D("6.25"), 5)
        assert finding.message == (
            "BAT/SOC went from 80 % to 40 %, a change of -16,000 kWh; the meters stored "
            "-17,000 kWh: 6.25 % apart (limit 5 %)."
        )

    def test_stretches_up_and_down_are_judged_apart(self):
        state = [20, 45, 70, 70, 40, 10]
        charge = [D(10000) / D("0.94")] * 2 + [0] * 4
        charge = [D(each).quantize(D("0.000001")) for each in charge]
        wrong = [0, 0, 0, 20000, 20000, 0]
        (finding,) = self.judged(state, charge, wrong)
        assert span(finding) == (2, 5)

    def test_small_changes_and_gaps_are_not_judged(self):
        assert self.judged([40, "59.999999"], [0, 0], [0, 0]) == []
        assert len(self.judged([40, 60], [0, 0], [0, 0])) == 1
        smaller = StateOfChargeParameters(min_change_pct=D(5))
        assert len(self.judged([40, 50], [0, 0], [0, 0], parameters=smaller)) == 1
        zero = StateOfChargeParameters(min_change_pct=D(0))
        assert self.judged([40, 40], [0, 0], [0, 0], parameters=zero) == []
        assert self.judged([40, None, 70], [0, 0, 0], [0, 0, 0]) == []
        assert self.judged([40, 70], [None, 0], [0, 0]) == []
        assert self.judged([40], [0], [0]) == []

    def test_lacks(self):
        state = companion("STATE_OF_CHARGE", [1], unit="%")
        one = series([1])
        assert lacks(STATE, one) == "the discharge of a store in kWh"
        assert lacks(STATE, one, facts=STORE) == (
            "its charge on the same intervals and its state of charge and its usable capacity and "
            "its efficiency in and out"
        )
        none = Plant(usable_kwh=D(0), charge_ratio=D(1), discharge_ratio=D(0))
        assert lacks(STATE, one, charged(one), state, facts=STORE, plant=none) == (
            "its usable capacity and its efficiency in and out"
        )
        assert lacks(STATE, one, charged(one), state, facts=STORE, plant=self.plant) == ""
        assert judge(STATE, one, charged(one), state, facts=STORE) == []

    @given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=60))
    def test_meters_that_the_state_follows_are_never_held(self, net):
        """10 MWh usable, no losses: the state of charge is the running sum of the flows."""
        plant = Plant(usable_kwh=D(10_000), charge_ratio=D(1), discharge_ratio=D(1))
        points = np.concatenate(([0], np.cumsum(net)[:-1])) // 100
        flow = np.diff(np.concatenate((points, points[-1:]))) * 100
        state = companion("STATE_OF_CHARGE", micro_series(points, unit="%"))
        readings = micro_series(-flow)
        found = judge(STATE, readings, state, facts=STORE, plant=plant, direction="NET")
        assert found == []


class TestBothWays:
    def judged(self, discharge, charge, **more):
        more = {"facts": STORE, "capacity_kw": D(10_000)} | more
        return judge(BOTH, series(discharge), charged(series(charge)), **more)

    def test_one_percent_of_the_rating_passes_on_either_side(self):
        assert self.judged([2000, 25, 0], [25, 2000, 2500]) == []
        (finding,) = self.judged([2000, "25.000001", 30], [25, 30, "25.000001"])
        assert (finding.code, finding.severity, span(finding)) == ("V24I", Severity.WARN, (1, 3))
        assert (finding.metric, finding.threshold) == (30, 25)
        assert finding.message == (
            "Up to 30 kWh came out while up to 30 kWh went in; above 25 kWh only one of them may "
            "flow."
        )

    def test_a_wider_share_may_be_set(self):
        wide = BothWaysParameters(min_ratio=D("0.1"))
        assert self.judged([240], [240], parameters=wide) == []

    def test_lacks(self):
        one = series([1])
        assert lacks(BOTH, one) == "the discharge of a store in kWh"
        assert lacks(BOTH, one, facts=STORE, direction="NET") == "the discharge of a store in kWh"
        assert lacks(BOTH, one, facts=STORE) == (
            "its charge on the same intervals and the rating of the store"
        )
        assert lacks(BOTH, one, charged(one), facts=STORE, capacity_kw=D(1)) == ""
        assert self.judged([2000], [2000], capacity_kw=None) == []
        assert judge(BOTH, one, facts=STORE, capacity_kw=D(1)) == []
