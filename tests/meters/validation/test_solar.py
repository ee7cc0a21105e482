"""V24 for solar plants: night, panels, sunny days."""

import datetime as dt
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Plant
from meters.calc.sun import sun_elevation
from meters.validation.solar import (
    SolarIdleDayParameters,
    SolarLimitParameters,
    SolarNightParameters,
)
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.grid import Grid
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import (
    START,
    D,
    companion,
    judge,
    lacks,
    micro_series,
    series,
    span,
)

SOLAR = {"kind": "GENERATOR", "technology": "SOLAR"}
NIGHT, PANELS, IDLE = "solar_night@1", "solar_limit@1", "solar_idle_day@1"


def sun(values):
    return companion("SUN_ELEVATION", values, code="SUN", unit="deg")


class TestNight:
    @needs_cases
    def test_worked_examples(self):
        for name in ("P1", "P2"):
            case = example(name)
            facts = case["given"]
            capacity = D(facts["tolerance_kwh"]) * 4 / D("0.0005")  # 0.05 % of it in 15 minutes
            found = judge(
                NIGHT,
                series([facts["value"]]),
                sun([facts["elevation_deg"]]),
                facts=SOLAR,
                capacity_kw=capacity,
            )
            assert ("FAIL" if found else "PASS") == case["expect"]["result"]

    def test_what_it_says(self):
        night = series([0, "0.6", "0.7", 0])
        (finding,) = judge(NIGHT, night, sun([-6] * 4), facts=SOLAR, capacity_kw=D(4000))
        assert (finding.code, finding.severity, span(finding)) == ("V24A", Severity.HOLD, (1, 3))
        assert (finding.metric, finding.threshold) == (D("0.7"), D("0.5"))
        assert finding.message == (
            "0.7 kWh with the sun at -6.0 deg or lower; at night up to 0.5 kWh pass."
        )

    def test_three_degrees_below_the_horizon_is_still_twilight(self):
        readings, heights = series([5, 5, 5]), sun(["-3", "-3.000001", "10"])
        (finding,) = judge(NIGHT, readings, heights, facts=SOLAR, capacity_kw=D(4000))
        assert span(finding) == (1, 2)
        later = SolarNightParameters(elevation_deg=D(-6))
        assert (
            judge(NIGHT, readings, heights, facts=SOLAR, capacity_kw=D(4000), parameters=later)
            == []
        )

    def test_power_is_judged_as_power(self):
        for kw, count in ((2, 0), ("2.000001", 1)):
            found = judge(
                NIGHT, series([kw], unit="kW"), sun([-6]), facts=SOLAR, capacity_kw=D(4000)
            )
            assert len(found) == count

    def test_missing_and_failed_readings_are_left_out(self):
        failed = np.array([False, True])
        readings = series([None, 9])
        assert (
            judge(NIGHT, readings, sun([-6, -6]), facts=SOLAR, capacity_kw=D(4000), failed=failed)
            == []
        )

    def test_lacks(self):
        one, deep = series([1]), sun([-6])
        elevation = "the elevation of the sun (the place of the campus)"
        assert lacks(NIGHT, one) == "the output of a solar plant"
        aux = {"kind": "GENERATOR_AUX", "technology": "SOLAR"}
        assert lacks(NIGHT, one, deep, facts=aux) == "the output of a solar plant"
        taken = lacks(NIGHT, one, deep, facts=SOLAR, direction="RECEIVED", capacity_kw=D(1))
        assert taken == "the output of a solar plant"
        assert lacks(NIGHT, one, facts=SOLAR) == f"the capacity of the plant and {elevation}"
        assert lacks(NIGHT, one, sun([-6, -6]), facts=SOLAR, capacity_kw=D(1)) == elevation
        assert lacks(NIGHT, one, deep, facts=SOLAR, capacity_kw=D(1)) == ""
        assert judge(NIGHT, one, deep) == []
        assert judge(NIGHT, one, facts=SOLAR, capacity_kw=D(1)) == []

    def test_a_real_day_in_texas(self):
        """Energy only while the sun is up passes; the same day four hours late does not."""
        grid = Grid(START, 15, 96)
        heights = sun_elevation(grid, D("31.9"), D("-102.3"))
        shape = np.maximum(heights.values, 0)
        capacity = D(int(shape.max())) * 4 / 1_000_000
        at = companion("SUN_ELEVATION", heights)
        day = micro_series(shape)
        assert judge(NIGHT, day, at, facts=SOLAR, capacity_kw=capacity) == []
        late = micro_series(np.roll(shape, 16))
        (finding,) = judge(NIGHT, late, at, facts=SOLAR, capacity_kw=capacity)
        assert finding.start_utc.astimezone(dt.UTC).hour in (0, 1)

    @given(
        st.lists(st.tuples(st.integers(0, 10**9), st.integers(-90 * 10**6, 90 * 10**6)), min_size=1)
    )
    def test_the_law(self, pairs):
        readings = micro_series([value for value, _ in pairs])
        heights = micro_series([height for _, height in pairs], unit="deg")
        found = judge(
            NIGHT,
            readings,
            companion("SUN_ELEVATION", heights),
            facts=SOLAR,
            capacity_kw=D("1234.567"),
        )
        limit = Fraction("1234.567") / 4 * Fraction("0.0005") * 10**6
        assert {at for each in found for at in range(*span(each))} == {
            at for at, (x, deg) in enumerate(pairs) if deg < -3 * 10**6 and x > limit
        }


class TestPanels:
    plant = Plant(dc_capacity_kw=D(4000))

    def test_the_limit_passes_and_a_millionth_more_is_held(self):
        assert judge(PANELS, series([1050]), facts=SOLAR, plant=self.plant) == []
        readings = series([1050, "1050.000001", 1060])
        (finding,) = judge(PANELS, readings, facts=SOLAR, plant=self.plant)
        assert (finding.code, finding.severity, span(finding)) == ("V24B", Severity.HOLD, (1, 3))
        assert (finding.metric, finding.threshold) == (1060, 1050)
        assert finding.message == (
            "1,060 kWh is above 1,050 kWh, which panels of 4,000 kW DC can give."
        )

    def test_another_factor(self):
        tight = SolarLimitParameters(factor=D(1))
        found = judge(PANELS, series([1050]), facts=SOLAR, plant=self.plant, parameters=tight)
        assert found[0].threshold == 1000

    def test_lacks(self):
        assert lacks(PANELS, series([1])) == "the output of a solar plant"
        assert lacks(PANELS, series([1]), facts=SOLAR) == "the DC capacity of the panels"
        assert lacks(PANELS, series([1]), facts=SOLAR, plant=self.plant) == ""
        assert judge(PANELS, series([99999]), facts=SOLAR) == []
        assert judge(PANELS, series([99999]), plant=self.plant) == []


class TestIdleDay:
    def light(self, watts):
        return companion("IRRADIANCE", watts, code="GHI", unit="W/m2")

    def test_two_kilowatt_hours_of_sun_pass_and_more_are_held(self):
        at = self.light([0] * 32 + [250] * 32 + [0] * 32)  # 8 h x 250 W = 2 kWh/m2
        assert judge(IDLE, series([0] * 96), at, facts=SOLAR) == []
        more = self.light([0] * 32 + [250] * 31 + [251] + [0] * 32)
        (finding,) = judge(IDLE, series([0] * 96), more, facts=SOLAR)
        assert (finding.code, finding.severity, span(finding)) == ("V24C", Severity.HOLD, (0, 96))
        assert (finding.metric, finding.threshold) == (D("2.00025"), 2)
        assert finding.message == (
            "No energy on 2026-03-02, although the sun gave 2.00025 kWh/m2 (above 2 kWh/m2 the "
            "plant must deliver)."
        )

    def test_the_smallest_energy_and_a_gap_are_no_silence(self):
        bright = self.light([500] * 96)
        assert judge(IDLE, series([0] * 95 + ["0.000001"]), bright, facts=SOLAR) == []
        assert judge(IDLE, series([0] * 95 + [None]), bright, facts=SOLAR) == []

    def test_missing_light_counts_as_darkness(self):
        thin = self.light([None] * 92 + [2000] * 4)
        assert judge(IDLE, series([0] * 96), thin, facts=SOLAR) == []
        less = SolarIdleDayParameters(sunny_kwh_per_m2=D("1.999"))
        assert len(judge(IDLE, series([0] * 96), thin, facts=SOLAR, parameters=less)) == 1

    def test_days_are_judged_apart(self):
        readings = series([0] * 96 + [1] * 96 + [0] * 96)
        found = judge(IDLE, readings, self.light([500] * 288), facts=SOLAR)
        assert [span(each) for each in found] == [(0, 96), (192, 288)]

    def test_lacks(self):
        assert lacks(IDLE, series([0])) == "the output of a solar plant"
        assert lacks(IDLE, series([0]), facts=SOLAR) == "the irradiance at the plant"
        assert lacks(IDLE, series([0]), self.light([1]), facts=SOLAR) == ""
        assert judge(IDLE, series([0] * 96), facts=SOLAR) == []
