"""Multipliers, interval lengths, day blocks and the summary of a file."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.days import lay_over, utc_days
from meters.calc.multipliers import apply_multiplier
from meters.calc.receipt import Summary
from meters.calc.resolution import change_length
from meters.formats import ChannelBlock, RowError
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from tests.meters.cases import blocks, example, expected, needs_cases, read_file

START = dt.datetime(2026, 3, 1, 14, tzinfo=dt.UTC)


def block(values, *, start=START, minutes=30, channel="N/E1", line=3, status=Status.RAW):
    numbers = np.array([MISSING if v is None else v for v in values], dtype=np.int64)
    states = np.where(numbers == MISSING, int(Status.MISSING), int(status)).astype(np.uint8)
    return ChannelBlock(
        channel, "kWh", minutes, start, numbers, states, np.zeros(len(values), dtype=np.uint8),
        np.full(len(values), line),
    )  # fmt: skip


@given(
    st.lists(st.one_of(st.just(MISSING), st.integers(-(10**12), 10**12)), max_size=20),
    st.decimals(0, 48000, places=2),
)
def test_multiplier_is_exact_or_refused(values, multiplier):
    array = np.array(values, dtype=np.int64)
    want = [v if v == MISSING else v * Fraction(multiplier) for v in values]
    if all(v == MISSING or Fraction(v).denominator == 1 for v in want):
        assert apply_multiplier(array, multiplier).tolist() == want
    else:
        with pytest.raises(Refused, match="more than 6 decimals"):
            apply_multiplier(array, multiplier)


def test_a_product_too_large_is_refused():
    with pytest.raises(Refused, match="does not fit"):
        apply_multiplier(np.array([2**60]), Decimal(48000))


@needs_cases
def test_interval_length_examples():
    case = example("K6")
    history = Series.of(
        Grid(START, 15, 2), [Decimal(v) for v in case["given"]["hist_15min"]], "kWh"
    )
    assert [f"{v:.3f}" for v in change_length(history, 30).decimals()] == case["expect"]["values"]
    case = example("A1")
    five = Series.of(Grid(START, 5, 12), [Decimal(v) for v in case["given"]["five_min"]], "kWh")
    assert [str(v) for v in change_length(five, 15).decimals()] == case["expect"]["fifteen"]
    assert str(change_length(five, 60).total()) == case["expect"]["hour"]


def test_shorter_intervals_add_up_exactly_and_ten_minutes_never_become_fifteen():
    hour = Series.of(Grid(START, 60, 2), [Decimal("1.000001"), None], "kWh")
    quarters = change_length(hour, 15)
    assert quarters.values.tolist() == [250000, 250000, 250000, 250001] + [MISSING] * 4
    assert quarters.status.tolist() == [Status.CALCULATED] * 4 + [Status.MISSING] * 4
    with pytest.raises(Refused, match="cannot be cut"):
        change_length(Series.of(Grid(START, 15, 1), [Decimal(1)], "kWh"), 10)
    with pytest.raises(Refused, match="cannot be summed"):
        change_length(Series.of(Grid(START, 10, 3), [Decimal(1)] * 3, "kWh"), 15)


@needs_cases
def test_a_month_sums_to_the_same_in_every_length():
    want = expected("nem12/")["nem12/Example_NEM12_month_solar.csv"]["channels"]
    for found in blocks(read_file("nem12@1", "vee/nem12/Example_NEM12_month_solar.csv")):
        grid = Grid(found.start_utc, found.minutes, found.count)
        series = Series(grid, found.values, found.status, found.unit)
        total = Decimal(want[found.channel_text]["total"])
        counts = {m: change_length(series, m) for m in (5, 15, 30, 60)}
        assert {m: s.total() for m, s in counts.items()} == dict.fromkeys((5, 15, 30, 60), total)
        assert [counts[m].grid.count for m in (15, 30, 60)] == [2976, 1488, 744]
        peak = {"NMI1234567/E1": "3.019", "NMI1234567/B1": "4.768"}[found.channel_text]
        assert max(counts[60].decimals()) == Decimal(peak)


def test_a_local_day_becomes_two_utc_days():
    first, second = utc_days(block(range(48)))
    assert (first.day, second.day) == (dt.date(2026, 3, 1), dt.date(2026, 3, 2))
    assert first.values.tolist() == [MISSING] * 28 + list(range(20))
    assert second.values.tolist() == list(range(20, 48)) + [MISSING] * 20
    assert first.status[:28].tolist() == [Status.MISSING] * 28
    assert int(first.given.sum()) + int(second.given.sum()) == 48


def test_blocks_off_the_grid_are_refused():
    with pytest.raises(Refused, match="30-minute boundary"):
        list(utc_days(block([1], start=START + dt.timedelta(minutes=5))))


def test_laying_over_replaces_values_and_a_null_withdraws_nothing():
    (below,) = utc_days(block([1, 2, None], line=3))
    (above,) = utc_days(block([None, 5, 6, None], line=9))
    merged = lay_over(below, above)
    assert merged.values[28:32].tolist() == [1, 5, 6, MISSING]
    assert merged.lines[28:32].tolist() == [3, 9, 9, 9]
    (other,) = utc_days(block([1], channel="N/B1"))
    with pytest.raises(Refused, match="same channel and day"):
        lay_over(below, other)


@given(st.integers(0, 200), st.integers(1, 300))
def test_days_hold_exactly_the_block(offset, count):
    start = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=30 * offset)
    found = list(utc_days(block(range(count), start=start)))
    joined = np.concatenate([day.values[day.given] for day in found])
    assert joined.tolist() == list(range(count))
    assert all(len(day.values) == 48 for day in found)
    assert [day.day for day in found] == sorted({day.day for day in found})


def test_summary_counts_all_and_lists_a_hundred():
    summary = Summary()
    summary.add(block([10**6, None]))
    summary.add(block([2 * 10**6], start=START + dt.timedelta(hours=1), status=Status.ESTIMATED))
    for n in range(150):
        summary.add(RowError(n, "value", "R101", "Line: not a number."))
    summary.add(RowError(7, "", "W301", "Taken once.", severity=Severity.WARN))
    document = summary.to_json()
    assert document["channels"] == [
        {
            "channel": "N/E1", "unit": "kWh", "minutes": 30,
            "first_utc": "2026-03-01T14:00:00+00:00", "end_utc": "2026-03-01T15:30:00+00:00",
            "intervals": 3, "missing": 1, "total": "3",
            "status": {"ESTIMATED": 1, "RAW": 1, "MISSING": 1},
        }
    ]  # fmt: skip
    assert document["errors"] == {"R101": 150}
    assert document["remarks"] == {"W301": 1}
    assert len(document["listed"]) == 100
