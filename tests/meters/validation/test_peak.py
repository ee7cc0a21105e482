"""V18: the peak beside that of the period before."""

from decimal import Decimal

import pytest

from meters.calc.circumstances import PastPeriod
from meters.validation import Stage, rules
from meters.validation.peak import PeakParameters
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import judge, lacks, series, span

KEY = "peak@1"


def february(peak=100, valid="1"):
    total = Decimal(9999)
    return PastPeriod("February 2026", total, Decimal(peak), Decimal(672), Decimal(valid))


def test_it_judges_when_a_period_closes():
    assert rules.get(KEY).stage == Stage.PERIOD


def test_twice_the_earlier_peak_passes_and_more_is_warned_of():
    assert judge(KEY, series([1, 200, None]), previous=february()) == []
    (found,) = judge(KEY, series([1, "200.000001", 150]), previous=february())
    assert (found.code, found.severity, span(found)) == ("V18", Severity.WARN, (1, 2))
    assert (found.metric, found.threshold) == (Decimal("100.000001"), 100)
    assert found.message == (
        "The peak of 200.000001 kWh is 100.00 % above the 100 kWh of February 2026 (100 % pass)."
    )


def test_a_tighter_setting():
    tight = PeakParameters(growth_pct=Decimal(20))
    assert judge(KEY, series([120]), previous=february(), parameters=tight) == []
    assert len(judge(KEY, series([121]), previous=february(), parameters=tight)) == 1


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (None, "a peak of the period before"),
        (february(0), "a peak of the period before"),
        (february(1, "0.79"), "enough measured readings of February 2026"),
    ],
)
def test_without_an_earlier_peak_it_says_so(before, text):
    assert lacks(KEY, series([900]), previous=before) == text
    assert judge(KEY, series([900]), previous=before) == []


def test_the_share_that_is_just_enough():
    assert lacks(KEY, series([900]), previous=february(1, "0.8")) == ""
    assert judge(KEY, series([None]), previous=february()) == []
