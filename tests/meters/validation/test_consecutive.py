"""V14: a jump from one interval to the next."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.validation.consecutive import ConsecutiveParameters
from poweroptix.kernel.finding import Severity
from tests.meters.cases import example, needs_cases
from tests.meters.validation.makers import judge, micro_series, series, span

KEY = "consecutive@1"


@needs_cases
def test_the_example():
    case = example("L8")["given"]
    parameters = ConsecutiveParameters(tolerance_pct=Decimal(case["threshold_pct"]))
    at = series([case["prev_valid"], case["cur"]])
    assert judge(KEY, at, parameters=parameters) == []
    over = series([case["prev_valid"], "1500.000001"])
    (found,) = judge(KEY, over, parameters=parameters)
    assert (found.metric, found.threshold) == (Decimal("50.0000001"), 50)


def test_jumps_make_one_finding_with_the_largest():
    (found,) = judge(KEY, series([100, 160, 400, 399]))
    assert (found.code, found.severity, span(found)) == ("V14", Severity.WARN, (1, 3))
    assert found.metric == 150
    assert found.message == (
        "400 kWh after 160 kWh: a change of 150.00 % (50 % are usual at most)."
    )


def test_the_last_valid_interval_counts_and_a_zero_is_no_measure():
    assert judge(KEY, series([0, 900])) == []
    (found,) = judge(KEY, series([100, None, None, 200]))
    assert (span(found), found.metric) == ((3, 4), 100)
    failed = np.array([False, True, False])
    assert judge(KEY, series([100, 900, 120]), failed=failed) == []
    assert judge(KEY, series([None, 900])) == []
    assert len(judge(KEY, series([900, 0]))) == 1


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 10**15)), min_size=1, max_size=30),
    st.decimals(0, 500, places=2),
)
def test_it_agrees_with_the_definition_in_exact_fractions(values, percent):
    given_series = micro_series([-(2**63) if v is None else v for v in values])
    found = judge(KEY, given_series, parameters=ConsecutiveParameters(tolerance_pct=percent))
    flagged = {n for f in found for n in range(*span(f))}
    wanted, before = set(), None
    for n, value in enumerate(values):
        if value is None:
            continue
        if before and Fraction(100 * abs(value - before), before) > Fraction(percent):
            wanted.add(n)
        before = value
    assert flagged == wanted
