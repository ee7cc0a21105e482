"""V08: the meter's clock beside a reference."""

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from meters.calc.circumstances import ClockCheck
from meters.validation.clock import ClockParameters
from poweroptix.kernel.finding import Severity
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import QUARTER, START, judge, lacks, series, span

KEY = "clock@1"
HOURS = series([1] * 16)


def check(quarter, drift, source="collection"):
    return ClockCheck(START + quarter * QUARTER, Decimal(str(drift)), source)


def found_by(*checks, given_series=HOURS, **more):
    return judge(KEY, given_series, clock_checks=checks, **more)


@needs_cases
def test_the_example():
    case = example("L12")
    parameters = ClockParameters(tolerance_s=Decimal(case["given"]["tolerance_s"]))
    assert case["expect"]["result"] == "PASS"
    assert found_by(check(4, case["given"]["drift_s"]), parameters=parameters) == []
    assert found_by(check(4, -case["given"]["drift_s"]), parameters=parameters) == []


def test_everything_since_the_last_good_check_is_in_doubt():
    (found,) = found_by(check(2, 5), check(6, "-180.5", "head-end"), check(9, 0))
    assert (found.code, found.severity, span(found)) == ("V08", Severity.HOLD, (2, 6))
    assert (found.metric, found.threshold) == (Decimal("180.5"), 180)
    assert found.data == {"flag": "TIME_SUSPECT", "drift_s": "-180.5", "source": "head-end"}
    assert found.message == (
        "The meter's clock was 180.5 s slow at 2026-03-02 07:30 UTC (180 s pass): the time of "
        "these readings is in doubt."
    )


def test_checks_that_fail_one_after_the_other_make_one_finding_with_the_worst():
    (found,) = found_by(check(2, 0), check(4, 200), check(6, 400), check(8, 300), check(9, 1))
    assert (span(found), found.metric) == ((2, 8), 400)
    assert "400 s fast" in found.message


def test_the_newest_check_rules_what_comes_after_it():
    (found,) = found_by(check(3, 0), check(6, 999))
    assert span(found) == (3, 16)
    (found,) = found_by(check(6, 999), check(8, 0))
    assert span(found) == (0, 6)


def test_a_check_within_an_interval_takes_the_whole_interval():
    middle = START + dt.timedelta(minutes=20)
    (found,) = found_by(
        ClockCheck(middle, Decimal(0)),
        ClockCheck(middle + QUARTER, Decimal(999)),
        ClockCheck(middle + 2 * QUARTER, Decimal(0)),
    )
    assert span(found) == (1, 3)


def test_it_ends_with_the_readings_and_needs_a_check():
    some = series([None, 1, None, 1, None])
    (found,) = found_by(check(-9, 999), given_series=some)
    assert span(found) == (1, 4)
    assert found_by(check(-9, 999), given_series=series([None])) == []
    assert lacks(KEY, HOURS) == "a check of the meter's clock"
    assert lacks(KEY, HOURS, clock_checks=[check(0, 0)]) == ""


@given(st.permutations([check(2, 0), check(4, 200), check(6, 0), check(9, 500)]))
def test_the_order_of_the_checks_does_not_matter(checks):
    assert [span(f) for f in found_by(*checks)] == [(2, 4), (6, 16)]
