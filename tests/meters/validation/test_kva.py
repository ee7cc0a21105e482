"""V19: apparent, active and reactive energy."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from meters.validation.kva import KvaParameters
from poweroptix.kernel.finding import Severity
from tests.meters.validation.makers import companion, judge, lacks, micro_series, series, span

KEY = "kva@1"


def found_by(kvah, kwh, kvarh, **more):
    active = companion("ACTIVE", kwh)
    reactive = companion("REACTIVE", kvarh, unit="kVArh")
    return judge(KEY, series(kvah, unit="kVAh"), active, reactive, **more)


def test_a_right_triangle_passes_and_two_percent_pass():
    assert found_by([500, 0], [300, 0], [400, 0]) == []
    assert found_by([10], [7], [7]) == []  # |100 - 98| is exactly 2 %
    (found,) = found_by([10], [7], ["6.999999"])
    assert (found.code, found.severity, span(found)) == ("V19", Severity.WARN, (0, 1))
    assert found.metric > 2
    assert found.threshold == 2


def test_the_worst_interval_of_a_run_is_shown():
    (found,) = found_by([100, 100, 100], [50, 0, 100], [50, 0, 0])
    assert (span(found), found.metric) == ((0, 2), 100)
    assert found.message == (
        "100 kVAh does not fit 0 kWh and 0 kVArh: the squares differ by 100.00 % of kVAh squared "
        "(2 % pass)."
    )


def test_energy_without_apparent_energy_has_no_percentage():
    (found,) = found_by([0, 0], [5, 0], [0, 0])
    assert (span(found), found.metric) == ((0, 1), None)
    assert "differ by all of it" in found.message


def test_missing_and_failed_intervals_are_left_out():
    assert found_by([9, 9, None], [None, 1, 1], [1, None, 1]) == []
    assert found_by([9], [1], [1], failed=np.array([True])) == []


def test_it_says_what_it_lacks():
    apparent = series([1], unit="kVAh")
    active, reactive = companion("ACTIVE", [1]), companion("REACTIVE", [1], unit="kVArh")
    assert lacks(KEY, apparent) == "a kWh and a kVArh channel of the same point"
    assert lacks(KEY, apparent, active) == "a kVArh channel of the same point"
    assert lacks(KEY, apparent, active, reactive) == ""
    assert lacks(KEY, series([1])) == "apparent energy in kVAh"
    assert judge(KEY, apparent, active) == []
    assert judge(KEY, series([1]), active, reactive) == []


large = st.integers(0, 10**14)


@given(
    st.lists(st.tuples(large, large, large), min_size=1, max_size=8), st.decimals(0, 9, places=1)
)
def test_it_agrees_with_the_definition_in_whole_numbers(triples, percent):
    kvah, kwh, kvarh = (list(each) for each in zip(*triples, strict=True))
    found = judge(
        KEY,
        micro_series(kvah, unit="kVAh"),
        companion("ACTIVE", micro_series(kwh)),
        companion("REACTIVE", micro_series(kvarh, unit="kVArh")),
        parameters=KvaParameters(tolerance_pct=Decimal(percent)),
    )
    flagged = {n for f in found for n in range(*span(f))}
    assert flagged == {
        n for n, (s, p, q) in enumerate(triples)
        if abs(s * s - p * p - q * q) > Fraction(percent) / 100 * s * s
    }  # fmt: skip


@given(st.integers(1, 10**6), st.integers(-2, 2))
def test_at_the_very_edge_integers_decide(scale, step):
    # (10 k)^2 - (7 k)^2 - (7 k)^2 is exactly 2 % of (10 k)^2
    k = scale * 10**8
    found = judge(
        KEY,
        micro_series([10 * k + step], unit="kVAh"),
        companion("ACTIVE", micro_series([7 * k])),
        companion("REACTIVE", micro_series([7 * k], unit="kVArh")),
    )
    assert bool(found) is (step > 0)
