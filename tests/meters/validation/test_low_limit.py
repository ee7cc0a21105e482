"""V12: less than the least load."""

from decimal import Decimal

import numpy as np

from meters.validation.low_limit import LowLimitParameters
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import judge, lacks, series, span

KEY = "low_limit@1"
LEAST = LowLimitParameters(min_kw=Decimal(400))  # 100 kWh in a quarter of an hour


def test_what_lies_below_the_least_is_warned_of_and_what_equals_it_passes():
    (found,) = judge(KEY, series([100, "99.999999", 50, 100, None]), parameters=LEAST)
    assert (found.code, found.severity, span(found)) == ("V12", Severity.WARN, (1, 3))
    assert (found.metric, found.threshold) == (50, 100)
    assert found.message == ("50 kWh is below the least of 100 kWh, and no outage is known.")


def test_a_limit_between_two_millionths_is_exact():
    third = LowLimitParameters(min_kw=Decimal("0.000001"))  # 0.25 of the smallest step
    assert len(judge(KEY, series([0]), parameters=third)) == 1
    assert judge(KEY, series(["0.000001"]), parameters=third) == []


def test_outages_excuse():
    low = series([0, 0, 0, 0])
    flags = [(0, 1, "POWER_FAIL", {})]
    (found,) = judge(KEY, low, parameters=LEAST, flags=flags, outages=[(2, 4)])
    assert span(found) == (1, 2)
    assert judge(KEY, low, parameters=LEAST, active=False) == []
    failed = np.array([True, True, False, False])
    assert span(judge(KEY, low, parameters=LEAST, failed=failed)[0]) == (2, 4)


def test_power_is_compared_as_power_and_other_units_not_at_all():
    assert judge(KEY, series([400], unit="kW"), parameters=LEAST) == []
    assert len(judge(KEY, series([399], unit="kW"), parameters=LEAST)) == 1
    assert judge(KEY, series([0], unit="kVArh"), parameters=LEAST) == []
    assert lacks(KEY, series([0], unit="kVArh")) == "active energy or power in kWh or kW"
    assert lacks(KEY, series([0])) == "a least power in its setting"
    assert lacks(KEY, series([0]), parameters=LEAST) == ""
    assert judge(KEY, series([-1]), direction="NET") == []
    assert judge(KEY, series([0])) == []
