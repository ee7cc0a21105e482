"""V24 for wind plants: standing turbines, and full power without wind."""

from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import Plant
from meters.validation.wind import WindBelowCutInParameters
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Status
from tests.meters.validation.makers import D, companion, judge, lacks, micro_series, series, span

WIND = {"kind": "GENERATOR", "technology": "WIND"}
STOPPED, CALM = "wind_stopped@1", "wind_below_cut_in@1"


def running(values, **more):
    return companion("RUNNING", values, code="EMS/RUN", unit="count", **more)


class TestStopped:
    def test_energy_from_standing_turbines_is_held(self):
        readings = series([0, "0.000001", 5, 5, 0])
        (finding,) = judge(STOPPED, readings, running([0, 0, 0, 1, 0]), facts=WIND)
        assert (finding.code, finding.severity, span(finding)) == ("V24D", Severity.HOLD, (1, 3))
        assert (finding.metric, finding.threshold) == (5, 0)
        assert finding.message == "5 kWh while EMS/RUN shows all turbines stopped."

    def test_nothing_is_said_without_a_state_that_can_be_trusted(self):
        assert judge(STOPPED, series([5]), running([None]), facts=WIND) == []
        assert judge(STOPPED, series([5]), running([0], status=Status.SUSPECT), facts=WIND) == []
        assert judge(STOPPED, series([5]), running([0], status=Status.ESTIMATED), facts=WIND) == []
        assert judge(STOPPED, series([5]), facts=WIND) == []
        assert judge(STOPPED, series([5]), running([0])) == []

    def test_own_use_on_a_net_channel_passes(self):
        found = judge(STOPPED, series([-5]), running([0]), facts=WIND, direction="NET")
        assert found == []

    def test_lacks(self):
        assert lacks(STOPPED, series([5]), running([0])) == "the output of a wind plant"
        assert lacks(STOPPED, series([5]), facts=WIND) == "the state of the turbines"
        assert lacks(STOPPED, series([5]), running([0]), facts=WIND) == ""

    @given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1))
    def test_the_law(self, pairs):
        readings = micro_series([x for x, _ in pairs])
        state = companion("RUNNING", micro_series([y for _, y in pairs], unit="count"))
        found = judge(STOPPED, readings, state, facts=WIND)
        assert {at for each in found for at in range(*span(each))} == {
            at for at, (x, y) in enumerate(pairs) if x and not y
        }


class TestBelowCutIn:
    plant = Plant(cut_in_m_per_s=D(3))

    def judged(self, readings, speeds, **more):
        wind = companion("WIND_SPEED", speeds, code="NACELLES", unit="m/s")
        more = {"facts": WIND, "plant": self.plant, "capacity_kw": D(4000)} | more
        return judge(CALM, series(readings), wind, **more)

    def test_full_power_without_wind_warns(self):
        assert self.judged([950], ["2.9"]) == []
        assert self.judged(["950.000001"], [3]) == []
        (finding,) = self.judged([0, "950.000001", 1000], [1, "2.999999", 2])
        assert (finding.code, finding.severity, span(finding)) == ("V24E", Severity.WARN, (1, 3))
        assert (finding.metric, finding.threshold) == (1000, 950)
        assert finding.message == (
            "1,000 kWh, nearly full power, at up to 2.999999 m/s of wind; the plant cuts in at 3 "
            "m/s."
        )

    def test_another_share_may_count_as_full_power(self):
        less = WindBelowCutInParameters(rated_ratio=D("0.5"))
        assert len(self.judged([501], [1], parameters=less)) == 1

    def test_missing_wind_says_nothing(self):
        assert self.judged([1000], [None]) == []

    def test_lacks(self):
        assert lacks(CALM, series([1])) == "the output of a wind plant"
        assert lacks(CALM, series([1]), facts=WIND) == (
            "the capacity of the plant and its cut-in wind speed and the wind at the nacelles"
        )
        assert self.judged([1000], [1], capacity_kw=None) == []
        assert self.judged([1000], [1], plant=Plant()) == []
        assert self.judged([1000], [1], facts={}) == []
