"""V06: the file names another meter than the installed one."""

from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import judge, series, span

KEY = "meter_id@1"
OTHER = {"found": "9001", "installed": "7001"}


def test_readings_of_another_meter_are_held():
    flags = [(1, 3, "METER_ID", OTHER), (3, 4, "METER_ID", dict(OTHER)), (0, 4, "LONG", {})]
    (found,) = judge(KEY, series([1, 1, 1, 1, 1]), flags=flags)
    assert (found.code, found.severity, span(found)) == ("V06", Severity.HOLD, (1, 4))
    assert found.message == (
        "The readings come from another meter: the file names 9001, installed is 7001."
    )
    assert "exchange" in found.fix


def test_two_serials_on_one_range_are_one_finding_with_both():
    flags = [(0, 2, "METER_ID", OTHER), (0, 2, "METER_ID", {"found": "", "installed": "7001"})]
    (found,) = judge(KEY, series([1, 1]), flags=flags)
    assert found.data["meters"] == [
        "the file names 9001, installed is 7001",
        "the file names none, installed is 7001",
    ]


def test_a_flag_beyond_the_grid_or_on_nothing_finds_nothing():
    assert judge(KEY, series([1, None]), flags=[(1, 9, "METER_ID", OTHER)]) == []
    (found,) = judge(KEY, series([1, 1]), flags=[(-3, 9, "METER_ID", OTHER)])
    assert span(found) == (0, 2)
    assert judge(KEY, series([1, 1])) == []
