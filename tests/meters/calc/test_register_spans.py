"""Estimates inside a register's span: which move, by how much, and when none does."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.register_spans import UNSURE, RegisterSpan, scale_span
from meters.estimation import Estimate
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MICRO, from_micro
from poweroptix.kernel.quality import Method, Status
from tests.meters.estimation.sheets import series
from tests.meters.services.worksheets import again


def guess(first, *values, method=Method.INTERPOLATE):
    """Return an estimate as if a meter had told its values, so that a sheet leads to them."""
    texts = [f"{Decimal(value):.3f}" for value in values]
    minutes = [f"2026-03-02T{6 + i // 4:02d}:{i % 4 * 15:02d}Z" for i in range(60)]
    sheet = {
        "method": "check_meter@1", "gap": [minutes[first], minutes[first + len(values)]],
        "ratio": {"k": "1"}, "check_values": texts, "values": texts,
    }  # fmt: skip
    array = np.array([int(Decimal(text) * MICRO) for text in texts], np.int64)
    return Estimate(slice(first, first + len(values)), array, method, sheet)


def span(first, end, energy, tolerance="0"):
    return RegisterSpan(first, end, Decimal(energy), Decimal(tolerance), {"reads": []})


def texts_of(result):
    return [[f"{value:.3f}" for value in each.decimals()] for each in result.estimates]


def test_gaps_of_one_span_share_one_factor_and_one_running_sum():
    own = series([10, None, 10, None, None, 10])
    result = scale_span(own, [guess(1, 1), guess(3, 1, 1)], span(0, 6, 130))
    assert texts_of(result) == [["33.333"], ["33.334", "33.333"]]
    for estimate in result.estimates:
        sheet = estimate.worksheet
        assert again(sheet) == sheet["values"] == [f"{v:.3f}" for v in estimate.decimals()]
        assert sheet["scaled"][0]["factor"] == "100/3"
        assert sheet["estimated"] == ["1.000"] * len(estimate.values)


def test_a_gap_across_a_read_is_scaled_on_both_sides_by_its_own_register():
    own = series([10, None, None, 10])
    first = scale_span(own, [guess(1, 5, 5)], span(0, 2, 12))
    both = scale_span(own, first.estimates, span(2, 4, 17))
    assert texts_of(both) == [["2.000", "7.000"]]
    sheet = both.estimates[0].worksheet
    assert len(sheet["scaled"]) == 2
    assert again(sheet) == sheet["values"] == ["2.000", "7.000"]


@pytest.mark.parametrize(
    "method", [Method.REREAD, Method.CHECK_METER, Method.NODE_CALC, Method.SCADA, Method.ZERO,
               Method.MANUAL],
)  # fmt: skip
def test_what_was_told_or_is_certain_stays_and_counts_as_measured(method):
    own = series([10, None, 10, None])
    result = scale_span(own, [guess(1, 4, method=method), guess(3, 1)], span(0, 4, 30))
    assert texts_of(result) == [["4.000"], ["6.000"]]
    alone = scale_span(own, [guess(1, 4, method=method), guess(3, 1, method=method)],
                       span(0, 4, 30))  # fmt: skip
    assert texts_of(alone) == [["4.000"], ["1.000"]]


def test_estimates_outside_of_the_span_stay():
    own = series([None, 10, None, 10])
    result = scale_span(own, [guess(0, 3), guess(2, 1)], span(1, 4, 22))
    assert texts_of(result) == [["3.000"], ["2.000"]]


def test_an_interval_without_a_value_stops_it():
    result = scale_span(series([10, None, None, 10]), [guess(1, 5)], span(0, 4, 40))
    assert texts_of(result) == [["5.000"]]
    assert (result.estimates[0].warnings, result.finding) == ((UNSURE,), None)


def test_more_measured_than_counted_is_a_finding_and_within_the_tolerance_zero():
    own = series([10, None, 10])
    held = scale_span(own, [guess(1, 5)], span(0, 3, 18, "1"))
    assert texts_of(held) == [["5.000"]]
    finding = held.finding
    assert (finding.code, str(finding.severity)) == ("V20", "HOLD")
    assert (finding.metric, finding.threshold) == (Decimal(2), Decimal(1))
    allowed = scale_span(own, [guess(1, 5)], span(0, 3, 19, "1"))
    assert (texts_of(allowed), allowed.finding) == ([["0.000"]], None)
    assert again(allowed.estimates[0].worksheet) == ["0.000"]


def test_a_register_of_one_direction_cannot_scale_what_is_below_zero():
    result = scale_span(series([10, None, 10]), [guess(1, -5)], span(0, 3, 30))
    assert texts_of(result) == [["-5.000"]]
    assert "below zero" in result.estimates[0].warnings[0]
    assert result.finding is None


def test_coarse_steps_are_told():
    result = scale_span(series([10, None, 10]), [guess(1, 5)], span(0, 3, 30, "8"))
    assert result.estimates[0].warnings == ("the register tells no more than 8 apart",)


@given(
    estimates=st.lists(st.integers(0, 9999), min_size=1, max_size=12),
    measured=st.lists(st.integers(0, 99_999), min_size=1, max_size=12),
    rest=st.integers(0, 10**9),
)
def test_the_parts_always_close_and_lead_back_to_their_worksheets(estimates, measured, rest):
    values = [Decimal(v).scaleb(-3) for v in measured] + [None] * len(estimates)
    own = series(values)
    advance = sum(Decimal(v).scaleb(-3) for v in measured) + Decimal(rest).scaleb(-6)
    made = [guess(len(measured), *[Decimal(v).scaleb(-3) for v in estimates])]
    (scaled,) = scale_span(own, made, span(0, len(values), advance)).estimates
    whole = from_micro(total(own.values[: len(measured)])) + from_micro(total(scaled.values))
    assert whole == advance
    assert again(scaled.worksheet) == scaled.worksheet["values"]
    assert scaled.status == Status.ESTIMATED
