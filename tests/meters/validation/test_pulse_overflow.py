"""V10: a full pulse counter."""

from decimal import Decimal

import pytest

from meters.validation.pulse_overflow import PulseOverflowParameters
from poweroptix.kernel.finding import Severity
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import judge, lacks, series, span

KEY = "pulse_overflow@1"


@needs_cases
@pytest.mark.parametrize("name", ["L14", "L15"])
def test_the_examples_in_pulses_and_as_energy(name):
    case = example(name)
    count, fails = case["given"]["count"], case["expect"]["result"] == "FAIL"
    parameters = PulseOverflowParameters(bits=case["given"]["bits"])
    pulses = series([count], unit="count")
    assert bool(judge(KEY, series([1]), raw=pulses, parameters=parameters)) is fails
    weight = Decimal("0.036")
    energy = series([count * weight])
    found = judge(KEY, energy, raw=energy, pulse_weight=weight, parameters=parameters)
    assert bool(found) is fails


def test_a_full_counter_is_estimated():
    raw = series([1, 65535, "65535.0", 65534], unit="count")
    (found,) = judge(KEY, series([1, 1, 1, 1]), raw=raw)
    assert (found.code, found.severity, span(found)) == ("V10", Severity.ESTIMATE, (1, 3))
    assert (found.metric, found.threshold) == (65535, 65535)
    assert found.message == (
        "65,535 pulses in one interval: the counter holds at most 65,535, so pulses were lost."
    )


def test_a_weight_that_does_not_end_in_binary_decides_exactly():
    weight = Decimal("0.0333333")
    edge = 65535 * weight  # 2184.4978155: half a 10^-6 above what 2184.497815 shows
    at, below = series(["2184.497816"]), series(["2184.497815"])
    assert edge > Decimal("2184.497815")
    assert len(judge(KEY, at, raw=at, pulse_weight=weight)) == 1
    assert judge(KEY, below, raw=below, pulse_weight=weight) == []


def test_a_missing_interval_has_no_pulses_and_a_wide_counter_is_never_full():
    raw = series([70000], unit="count")
    assert judge(KEY, series([None]), raw=raw) == []
    wide = PulseOverflowParameters(bits=32)
    assert judge(KEY, series([1]), raw=raw, parameters=wide) == []
    heavy = Decimal(10) ** 9
    assert judge(KEY, raw, raw=series([1]), pulse_weight=heavy, parameters=wide) == []


def test_it_says_what_it_lacks():
    assert lacks(KEY, series([1])) == "the readings as delivered, before multipliers"
    assert lacks(KEY, series([1]), raw=series([1])) == "the pulse weight of the meter"
    assert lacks(KEY, series([1]), raw=series([1]), pulse_weight=Decimal("0.1")) == ""
    assert lacks(KEY, series([1]), raw=series([1], unit="count")) == ""
    assert judge(KEY, series([99999])) == []
    assert judge(KEY, series([99999]), raw=series([99999])) == []
