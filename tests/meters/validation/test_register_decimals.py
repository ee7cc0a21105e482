"""V28: a register keeps its decimals; the rest of V28 is judged when a read arrives."""

import datetime as dt

import pytest

from meters.calc.circumstances import RegisterAdvance
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import START, D, judge, lacks, series, span

KEY = "register_decimals@1"
DAY = dt.timedelta(days=1)


def read(decimals, start=START, end=START + DAY, **more):
    return RegisterAdvance(start, end, D(96), D(1), decimals=decimals, **more)


def test_other_decimals_are_held():
    reads = [read((1, 1)), read((1, 0), START + DAY, START + 2 * DAY, source="register 7.5 to 8")]
    (finding,) = judge(KEY, series([1] * 192), registers=reads)
    assert (finding.code, finding.severity, span(finding)) == ("V28D", Severity.HOLD, (96, 192))
    assert (finding.metric, finding.threshold) == (0, 1)
    assert finding.message == (
        "The register was read with 1 decimal and then with no decimals (register 7.5 to 8)."
    )
    assert finding.fix == "Compare with the meter; accept it if the source cuts zeros."


@pytest.mark.parametrize("decimals", [None, (0, 0), (3, 3)])
def test_the_same_or_unknown_decimals_pass(decimals):
    assert judge(KEY, series([1] * 96), registers=[read(decimals)]) == []


def test_reads_around_the_range_are_told_on_the_range():
    (finding,) = judge(
        KEY, series([1] * 96), registers=[read((0, 2), START - DAY, START + 2 * DAY)]
    )
    assert span(finding) == (0, 96)
    assert judge(KEY, series([1] * 96), registers=[read((0, 2), START - DAY, START)]) == []


def test_lacks():
    wanted = "two register reads that tell their decimals"
    assert lacks(KEY, series([1])) == wanted
    assert lacks(KEY, series([1]), registers=[read(None)]) == wanted
    assert lacks(KEY, series([1]), registers=[read((0, 0))]) == ""
