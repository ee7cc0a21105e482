"""What a chart keeps of readings that do not fit on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.decimate import decimate
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status

VALUE = st.one_of(st.just(MISSING), st.integers(-(2**62), 2**62))
SURE = st.sampled_from([10, 45, 50, 60, 70, 75, 80])


def columns(pairs):
    values = np.array([value for value, _status in pairs], dtype=np.int64)
    status = np.array(
        [Status.MISSING if value == MISSING else status for value, status in pairs], dtype=np.uint8
    )
    return values, status


READINGS = st.lists(st.tuples(VALUE, SURE), min_size=1, max_size=300)


def test_a_peak_and_a_dip_of_one_interval_stay():
    values = np.full(105_120, 100, np.int64)
    values[50_000], values[70_000] = 9_999, -7
    thin = decimate(values, np.full(values.size, 10, np.uint8), 1_000)
    assert (thin.size, len(thin.first)) == (106, 992)
    assert max(thin.first.max(), thin.second.max()) == 9_999
    assert min(thin.first.min(), thin.second.min()) == -7
    at = 50_000 // 106
    assert (thin.first[at], thin.second[at]) == (100, 9_999)


def test_one_missing_interval_of_a_year_is_seen():
    values, status = np.full(105_120, 100, np.int64), np.full(105_120, 10, np.uint8)
    values[33_333], status[33_333] = MISSING, Status.MISSING
    thin = decimate(values, status, 1_000)
    assert np.flatnonzero(thin.status == Status.MISSING).tolist() == [33_333 // 106]


def test_the_order_of_lowest_and_highest_is_that_of_the_readings():
    thin = decimate(np.array([1, 5, 9, 9, 5, 1], np.int64), np.full(6, 10, np.uint8), 2)
    assert (thin.first.tolist(), thin.second.tolist()) == ([1, 9], [9, 1])


@given(READINGS, st.integers(1, 60))
def test_lowest_and_highest_are_those_of_the_readings(pairs, buckets):
    values, status = columns(pairs)
    thin = decimate(values, status, buckets)
    assert len(thin.first) == len(thin.second) == len(thin.status) <= max(buckets, 1)
    for at in range(len(thin.first)):
        part = slice(at * thin.size, (at + 1) * thin.size)
        there = values[part][values[part] != MISSING]
        drawn = {int(thin.first[at]), int(thin.second[at])}
        expected = {int(there.min()), int(there.max())} if len(there) else {MISSING}
        assert drawn == expected


@given(READINGS, st.integers(1, 60))
def test_what_is_missing_or_doubtful_is_never_hidden(pairs, buckets):
    values, status = columns(pairs)
    thin = decimate(values, status, buckets)
    for at in range(len(thin.status)):
        assert thin.status[at] == status[at * thin.size : (at + 1) * thin.size].max()
    assert (thin.status == Status.MISSING).any() == (values == MISSING).any()


@given(READINGS)
def test_what_fits_is_exact(pairs):
    values, status = columns(pairs)
    for thin in (decimate(values, status, len(values)), decimate(values, status, 1, exact=300)):
        assert thin.size == 1
        assert thin.first is thin.second is values
        assert thin.status is status


def test_nothing_to_draw_and_what_is_refused():
    empty = np.array([], np.int64), np.array([], np.uint8)
    assert len(decimate(*empty, 5).first) == 0
    with pytest.raises(Refused, match="0 buckets hold nothing; ask for at least 1"):
        decimate(*empty, 0)
    with pytest.raises(Refused, match="2 values have 1 statuses"):
        decimate(np.array([1, 2]), np.array([10], np.uint8), 5)
