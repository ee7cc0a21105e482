"""V16: the same number again and again."""

import numpy as np
import pytest

from meters.validation.stuck import StuckParameters
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.quality import Status
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import judge, lacks, series, span

KEY = "stuck@1"


@needs_cases
def test_the_example():
    case = example("G5")
    parameters = StuckParameters(max_repeat=case["given"]["max_repeat"])
    values = series(case["given"]["values"])
    (found,) = judge(KEY, values, parameters=parameters)
    assert (found.code, found.severity, span(found)) == ("V16", Severity.WARN, (0, 7))
    assert (found.metric, found.threshold) == (7, 6)
    assert found.message == (
        "412.125 kWh stands 7 times in a row, 1 h 45 min (6 intervals of 15 minutes pass): the "
        "meter or the link may be stuck."
    )
    assert judge(KEY, series(case["given"]["values"][:-1]), parameters=parameters) == []


def test_more_than_a_day_is_held():
    assert judge(KEY, series(["412.125"] * 96))[0].severity == Severity.WARN
    (held,) = judge(KEY, series(["412.125"] * 97))
    assert (held.severity, held.metric, held.threshold) == (Severity.HOLD, 97, 96)
    assert held.message == (
        "412.125 kWh stands 97 times in a row, 24 h 15 min (96 intervals of 15 minutes only warn): "
        "the meter or the link may be stuck."
    )


def test_each_number_has_its_own_run():
    found = judge(KEY, series(["5.0013"] * 7 + ["6.0013"] * 8 + ["5.0013"] * 6))
    assert [(span(f), f.metric) for f in found] == [((0, 7), 7), ((7, 15), 8)]


@pytest.mark.parametrize("value", [0, None])
def test_zeros_and_missing_intervals_are_not_stuck(value):
    assert judge(KEY, series([value] * 50)) == []
    assert judge(KEY, series([5] * 4 + [None] + [5] * 4)) == []


def test_full_precision_decides():
    nearly = [5, 5, 5, "5.000001", 5, 5, 5]
    assert judge(KEY, series(nearly)) == []
    assert len(judge(KEY, series([*nearly, 5, 5, 5, 5]))) == 1


def test_a_coarse_source_repeats_its_numbers_by_nature():
    assert judge(KEY, series([521] * 9)) == []
    assert judge(KEY, series([52100] * 9)) == []
    assert judge(KEY, series([5211] * 9)) == []
    assert len(judge(KEY, series([52113] * 9))) == 1
    assert len(judge(KEY, series([5211] * 9 + ["0.1"]))) == 1  # the source does send tenths
    assert len(judge(KEY, series([5] * 9), parameters=StuckParameters(min_digits=1))) == 1
    strict = StuckParameters(min_digits=6)
    assert judge(KEY, series([52113] * 9), parameters=strict) == []


def test_estimates_failed_intervals_and_other_units_are_left_out():
    level = ["5.0013"] * 9
    assert len(judge(KEY, series(level))) == 1
    assert judge(KEY, series(level, status=Status.ESTIMATED)) == []
    failed = np.zeros(9, dtype=bool)
    failed[4] = True
    assert judge(KEY, series(level), failed=failed) == []
    assert judge(KEY, series(level, unit="V")) == []
    assert lacks(KEY, series(level, unit="V")) == "energy or power"
    assert lacks(KEY, series(level)) == ""
    assert len(judge(KEY, series(["-5.0013"] * 9), direction="NET")) == 1
    assert judge(KEY, series(level[:3])) == []
