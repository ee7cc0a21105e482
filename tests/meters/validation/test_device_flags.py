"""V09: which device flag does what."""

import pytest

from meters.formats._quality import NEM_FLAG
from meters.validation.device_flags import ACTIONS, Action, DeviceFlagsParameters
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.quality import Status
from tests.meters.validation.makers import judge, series, span

KEY = "device_flags@1"
DAY = series([1] * 96)

#: What vee 6.6 asks of each flag; None: nothing is found.
WANTED = {
    "POWER_FAIL": None,
    "SHORT": "HOLD",
    "LONG": "HOLD",
    "CLOCK": "HOLD",
    "OVERFLOW": "ESTIMATE",
    "TEST_MODE": "ESTIMATE",
    "DEVICE_ERROR": "ESTIMATE",
    "RESET": "WARN",
    "DATA_MISSING": "ESTIMATE",
    "CONFIG_CHANGED": "HOLD",
    "SOURCE_ESTIMATED": None,
    "OUT_OF_LIMITS": "HOLD",
    "LOAD_CONTROL": None,
}


def found_by(*flags, given=DAY, **more):
    return judge(KEY, given, flags=[(a, b, code, {}) for a, b, code in flags], **more)


@pytest.mark.parametrize(("flag", "severity"), WANTED.items())
def test_each_flag_does_its_part(flag, severity):
    found = found_by((40, 42, flag))
    if severity is None:
        assert found == []
        return
    assert [(f.code, str(f.severity)) for f in found] == [("V09", severity)]
    assert span(found[0]) == ((0, 96) if flag == "CLOCK" else (40, 42))
    assert f"({flag})" in found[0].message
    assert found[0].fix


def test_every_flag_that_formats_write_is_known():
    assert set(NEM_FLAG.values()) <= set(ACTIONS)
    assert set(NEM_FLAG.values()) == set(WANTED)
    assert set(range(79, 100)) - {97} <= set(NEM_FLAG)  # 97 excluded data: no state of a device


def test_flags_on_one_stretch_make_one_finding_as_severe_as_the_worst():
    first, second, third = found_by((10, 14, "LONG"), (12, 16, "OVERFLOW"))
    assert [span(f) for f in (first, second, third)] == [(10, 12), (12, 14), (14, 16)]
    assert [f.severity for f in (first, second, third)] == [
        Severity.HOLD, Severity.ESTIMATE, Severity.ESTIMATE,
    ]  # fmt: skip
    assert second.message == "The device reports: long interval (LONG), pulse overflow (OVERFLOW)."
    assert second.data == {"flags": ["LONG", "OVERFLOW"]}


def test_a_clock_event_holds_its_local_day_alone():
    three = series([1] * 288)
    (found,) = found_by((100, 101, "TIME_RESET"), given=three)
    assert span(found) == (96, 192)
    assert found.message == "The device reports: time reset (TIME_RESET). The whole day is held."
    (both,) = found_by((95, 97, "CLOCK_SET_BACK"), given=three)
    assert span(both) == (0, 192)


def test_a_zero_beside_a_reset_is_estimated_and_other_values_are_warned_of():
    found = found_by((0, 4, "WATCHDOG"), given=series([5, 0, 0, 5]))
    assert [(span(f), f.severity) for f in found] == [
        ((0, 1), Severity.WARN),
        ((1, 3), Severity.ESTIMATE),
        ((3, 4), Severity.WARN),
    ]


@pytest.mark.parametrize(
    "status",
    [Status.ESTIMATED, Status.SUBSTITUTED_FINAL, Status.EDITED, Status.CALCULATED],
)
def test_a_flag_is_the_reason_of_a_substitute_and_no_fault_of_it(status):
    assert found_by((0, 4, "OVERFLOW"), given=series([5] * 4, status=status)) == []


def test_missing_readings_and_doubted_ones_have_findings_already():
    assert found_by((0, 2, "DATA_MISSING"), given=series([None, None])) == []
    doubted = series([5, 5], status=Status.SUSPECT)
    assert found_by((0, 2, "OUT_OF_LIMITS"), given=doubted) == []
    assert len(found_by((0, 2, "OVERFLOW"), given=doubted)) == 1
    assert found_by((0, 2, "QUALITY"), (0, 2, "METER_ID"), given=doubted) == []
    assert found_by((2, 9, "OVERFLOW"), given=doubted) == []


def test_a_campus_may_treat_a_flag_in_another_way():
    parameters = parse(DeviceFlagsParameters, {"actions": {"LONG": "IGNORE", "RESET": "HOLD"}})
    assert parameters.action("LONG") == Action.IGNORE
    found = found_by((0, 2, "LONG"), (4, 6, "RESET"), parameters=parameters)
    assert [(span(f), f.severity) for f in found] == [((4, 6), Severity.HOLD)]


def test_an_unknown_flag_or_action_is_refused():
    with pytest.raises(Refused, match=r"there is no flag 'LONGER'; known: POWER_FAIL, "):
        parse(DeviceFlagsParameters, {"actions": {"LONGER": "WARN"}})
    with pytest.raises(Refused, match="LONG cannot be 'BLOCK'; choose one of IGNORE, WARN"):
        parse(DeviceFlagsParameters, {"actions": {"LONG": "BLOCK"}})
