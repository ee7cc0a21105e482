"""V24 for gross generation, auxiliaries and the breaker."""

from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Status
from tests.meters.validation.makers import D, companion, judge, lacks, micro_series, series, span

UNIT = {"kind": "GENERATOR", "technology": "GAS_ENGINE"}
OWN = {"kind": "GENERATOR_AUX", "technology": "GAS_ENGINE"}
ABOVE, BREAKER = "auxiliary_above_gross@1", "breaker_open@1"


def gross(values, **more):
    return companion("GROSS", values, code="GEN-1/DEL", **more)


def state(values, **more):
    return companion("RUNNING", values, code="GEN-1/CB", unit="count", **more)


class TestAbove:
    def test_as_much_as_it_makes_passes_and_more_is_held(self):
        made = gross([100, 100, 100, 90, 100])
        readings = series([5, 100, "100.000001", 95, 5])
        (finding,) = judge(ABOVE, readings, made, facts=OWN)
        assert (finding.code, finding.severity, span(finding)) == ("V24K", Severity.HOLD, (2, 4))
        assert finding.metric == D("100.000001")
        assert finding.message == (
            "The auxiliaries use up to 100.000001 kWh while GEN-1/DEL makes at least 90 kWh."
        )

    def test_a_unit_that_stands_starts_or_stops_may_use_more(self):
        made = gross([0, 0, 3, 100, 100, 2, 0])
        assert judge(ABOVE, series([9, 9, 9, 9, 9, 9, 9]), made, facts=OWN) == []

    def test_the_state_of_the_unit_goes_before(self):
        made, readings = gross([0, 0, 3]), series([9, 9, 9])
        (finding,) = judge(ABOVE, readings, made, state([0, 1, 1]), facts=OWN)
        assert span(finding) == (1, 3)
        assert judge(ABOVE, readings, made, state([0, 0, 0]), facts=OWN) == []
        assert judge(ABOVE, readings, made, state([None] * 3), facts=OWN) == []

    def test_doubted_or_missing_generation_says_nothing(self):
        for made in (gross([None] * 3), gross([1, 1, 1], status=Status.ESTIMATED)):
            assert judge(ABOVE, series([9, 9, 9]), made, facts=OWN) == []

    def test_lacks(self):
        wanted = "the gross generation of the unit on the same intervals"
        assert lacks(ABOVE, series([1]), facts=UNIT) == "the auxiliaries of a generator"
        assert lacks(ABOVE, series([1]), facts=OWN) == wanted
        power = gross([1], unit="kW")
        assert lacks(ABOVE, series([1]), power, facts=OWN) == wanted
        assert lacks(ABOVE, series([1]), gross([1]), facts=OWN) == ""
        assert judge(ABOVE, series([9]), gross([1]), facts=UNIT) == []
        assert judge(ABOVE, series([9]), facts=OWN) == []

    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 1)), min_size=1))
    def test_the_law_with_a_state(self, rows):
        used, made, on = (micro_series(each) for each in zip(*rows, strict=True))
        found = judge(ABOVE, used, companion("GROSS", made), companion("RUNNING", on), facts=OWN)
        assert {at for each in found for at in range(*span(each))} == {
            at for at, (x, y, running) in enumerate(rows) if running and x > y
        }


class TestBreaker:
    def test_energy_through_an_open_breaker_is_held(self):
        (finding,) = judge(BREAKER, series([0, 7, 8, 8]), state([0, 0, 0, 1]), facts=UNIT)
        assert (finding.code, finding.severity, span(finding)) == ("V24L", Severity.HOLD, (1, 3))
        assert (finding.metric, finding.threshold) == (8, 0)
        assert finding.message == "8 kWh while GEN-1/CB shows the breaker open."

    def test_nothing_is_said_without_a_state_that_can_be_trusted(self):
        for said in (state([None]), state([0], status=Status.SUSPECT)):
            assert judge(BREAKER, series([7]), said, facts=UNIT) == []
        assert judge(BREAKER, series([7]), facts=UNIT) == []

    def test_lacks(self):
        wind = {"kind": "GENERATOR", "technology": "WIND"}
        for facts in (wind, OWN, {}):
            assert lacks(BREAKER, series([1]), facts=facts) == (
                "the output of a generator with a breaker"
            )
            assert judge(BREAKER, series([7]), state([0]), facts=facts) == []
        assert lacks(BREAKER, series([1]), facts=UNIT) == "the state of its breaker"
        assert lacks(BREAKER, series([1]), state([1]), facts=UNIT) == ""
