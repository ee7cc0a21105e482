"""V07: a file with more or fewer channels than the meter has."""

import pytest

from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import judge, series, span

KEY = "channel_count@1"


def flag(found, expected, first=0, end=4):
    return (first, end, "CHANNEL_COUNT", {"found": str(found), "expected": str(expected)})


def test_a_wrong_number_of_channels_is_held():
    (found,) = judge(KEY, series([1, 1, 1, 1]), flags=[flag(3, 4, 1, 3)])
    assert (found.code, found.severity, span(found)) == ("V07", Severity.HOLD, (1, 3))
    assert (found.metric, found.threshold) == (3, 4)
    assert found.message == "The file brings 3 channels of the meter, 4 are expected."


@pytest.mark.parametrize("number", [1, 4])
def test_the_expected_number_passes(number):
    assert judge(KEY, series([1, 1, 1, 1]), flags=[flag(number, number)]) == []


def test_of_two_files_on_one_range_the_worse_is_shown():
    (found,) = judge(KEY, series([1, 1, 1, 1]), flags=[flag(3, 4), flag(9, 1)])
    assert (found.metric, found.threshold) == (9, 1)
    assert found.message == "The file brings 9 channels of the meter, 1 is expected."
    assert judge(KEY, series([None] * 4), flags=[flag(3, 4)]) == []
