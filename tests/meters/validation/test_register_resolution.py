"""V20R: two steps of a register are at most 0.5 % of an average day."""

import pytest

from meters.validation.register_resolution import RegisterResolutionParameters
from poweroptix.kernel.finding import Severity
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import D, judge, lacks, series, span
from tests.meters.validation.test_sum_check import read

KEY = "register_resolution@1"
#: 12,500 kWh in 15 minutes are 1,200,000 kWh a day; half a percent of them are 6,000 kWh.
DAYS = series([12_500] * 160)


def test_steps_as_large_as_half_a_percent_of_a_day_pass():
    assert judge(KEY, DAYS, registers=[read(D(1_200_000), D(3000))]) == []


def test_coarser_steps_are_told():
    (found,) = judge(KEY, DAYS, registers=[read(D(1_200_000), D("3000.5"))])
    assert (found.code, found.severity, span(found)) == ("V20R", Severity.WARN, (0, 160))
    assert (found.metric, found.threshold) == (D(6001), D(6000))
    assert found.message == (
        "2 steps of the register are 6001 kWh, above 0.5 % of an average day (6000 kWh): its sum "
        "check proves little."
    )
    assert found.fix == "Have the register sent with decimals."


@needs_cases
def test_the_worked_multiplier_of_48000_needs_decimals():
    given = example("R6")["given"]
    factor, day = D(given["multiplier"]), series([D(given["interval_sum"]) / 96] * 96)
    (found,) = judge(KEY, day, registers=[read(D(given["interval_sum"]), factor)])
    assert (found.metric, found.threshold) == (D(96000), D(8400))
    assert judge(KEY, day, registers=[read(D(given["interval_sum"]), factor * D("0.01"))]) == []


def test_the_coarsest_total_register_tells_and_those_of_periods_do_not():
    fine, coarse = read(D(1), D(1)), read(D(1), D(5000))
    (found,) = judge(KEY, DAYS, registers=[fine, coarse])
    assert found.metric == D(10000)
    assert judge(KEY, DAYS, registers=[fine, read(D(1), D(5000), bucket="peak")]) == []


def test_a_missing_interval_is_no_small_one():
    half = series([12_500, None] * 80)
    assert judge(KEY, half, registers=[read(D(1), D(3000))]) == []


def test_a_plant_that_hardly_ran_is_not_judged():
    coarse = [read(D(1), D(100))]
    idle = series([1] * 96)
    assert judge(KEY, idle, registers=coarse)
    assert judge(KEY, idle, registers=coarse, capacity_kw=D(400)) == []


def test_parameters():
    some = RegisterResolutionParameters(units=4, share_ratio=D("0.01"))
    assert judge(KEY, DAYS, registers=[read(D(1), D(3000))], parameters=some) == []
    (found,) = judge(KEY, DAYS, registers=[read(D(1), D(3001))], parameters=some)
    assert found.message.startswith("4 steps of the register are 12004 kWh, above 1 % of an")


@pytest.mark.parametrize("unit", ["degC", "W/m2"])
def test_lacks(unit):
    wanted = "two exact reads of a register and energy beside them"
    assert lacks(KEY, DAYS) == wanted
    assert lacks(KEY, series([None] * 96), registers=[read(D(1), D(1))]) == wanted
    assert lacks(KEY, series([1] * 96, unit=unit), registers=[read(D(1), D(1))]) == wanted
    assert lacks(KEY, DAYS, registers=[read(D(1), D(1))]) == ""
