"""Series and prices on grids: exactness, missing values, worst status, digests."""

import hashlib
import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid, utc
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.quality import BILLABLE, Method, Status, letter, worst
from poweroptix.kernel.series import Series, sum_of

START = datetime(2026, 3, 2, tzinfo=UTC)
KWH = st.decimals(-(10**6), 10**6, places=6, allow_nan=False)
MAYBE = st.none() | KWH


def series_of(numbers, minutes=15, status=Status.VALIDATED, unit="kWh", start=START):
    return Series.of(Grid(start, minutes, len(numbers)), numbers, unit, status)


class TestGrid:
    def test_starts_are_in_minutes_since_1970(self):
        grid = Grid(datetime(1970, 1, 2, tzinfo=UTC), 30, 3)

        assert grid.epoch_minutes().tolist() == [1440, 1470, 1500]

    def test_index_of_finds_the_interval_that_holds_an_instant(self):
        grid = Grid(START, 15, 4)

        assert grid.index_of(START + timedelta(minutes=29)) == 1
        with pytest.raises(Refused, match="is outside"):
            grid.index_of(grid.end_utc)

    def test_an_aware_time_of_any_zone_is_taken_and_a_naive_one_refused(self):
        assert Grid(datetime.fromisoformat("2026-03-01T18:00-06:00"), 15, 1).start_utc == START
        with pytest.raises(Refused, match="has no time zone"):
            utc(datetime(2026, 3, 2))

    @pytest.mark.parametrize(
        ("minutes", "count", "message"), [(0, 1, "has no length"), (15, -1, "-1 intervals")]
    )
    def test_strange_grids_are_refused(self, minutes, count, message):
        with pytest.raises(Refused, match=message):
            Grid(START, minutes, count)

    def test_a_start_between_minutes_is_refused(self):
        with pytest.raises(Refused, match="starts on a whole minute"):
            Grid(START.replace(second=1), 15, 1)

    def test_spanning_refuses_a_part_of_an_interval(self):
        with pytest.raises(Refused, match="no whole number of 60-minute intervals"):
            Grid.spanning(START, START + timedelta(minutes=90), 60)

    def test_sub_must_lie_inside_and_on_boundaries(self):
        grid = Grid(START, 15, 8)

        assert grid.sub(START + timedelta(minutes=15), START + timedelta(hours=1)).count == 3
        with pytest.raises(Refused, match="is not inside"):
            grid.sub(START, START + timedelta(hours=3))
        with pytest.raises(Refused, match="is not the start of a 15-minute interval"):
            grid.sub(START + timedelta(minutes=5), START + timedelta(minutes=20))

    def test_start_of_allows_the_end_and_no_more(self):
        assert Grid(START, 15, 4).start_of(4) == START + timedelta(hours=1)
        with pytest.raises(Refused, match="Interval 5 is outside a grid of 4"):
            Grid(START, 15, 4).start_of(5)

    def test_survives_json(self):
        grid = Grid.utc_day(date(2026, 3, 2), 5)

        assert Grid.from_json(grid.to_json()) == grid


class TestSeries:
    @given(st.lists(KWH, max_size=50))
    def test_total_is_the_exact_decimal_sum(self, numbers):
        assert series_of(numbers).total() == sum(numbers, Decimal(0))

    @given(st.lists(MAYBE, max_size=50))
    def test_numbers_survive(self, numbers):
        assert series_of(numbers).decimals() == numbers

    @given(st.lists(MAYBE, min_size=1, max_size=48).map(lambda n: n * 4), st.sampled_from([2, 4]))
    def test_longer_intervals_hold_exact_sums_and_missing_stays_missing(self, numbers, parts):
        longer = series_of(numbers).to_minutes(15 * parts)

        groups = [numbers[at : at + parts] for at in range(0, len(numbers), parts)]
        assert longer.decimals() == [None if None in g else sum(g, Decimal(0)) for g in groups]

    @given(st.lists(KWH, min_size=1, max_size=24).map(lambda n: n * 12))
    def test_rebinning_in_one_or_two_steps_is_the_same(self, numbers):
        fine = series_of(numbers, minutes=5)

        assert fine.to_minutes(60).equals(fine.to_minutes(15).to_minutes(60))
        assert fine.to_minutes(60).total() == fine.total()

    def test_an_aggregate_has_the_worst_status_of_its_parts(self):
        series = Series(
            Grid(START, 15, 4), np.ones(4), np.array([10, 60, 50, 10], dtype=np.uint8), "kWh"
        )

        assert series.to_minutes(30).status.tolist() == [60, 50]
        assert series.worst_status is Status.ESTIMATED

    def test_a_total_with_a_missing_interval_is_refused_and_names_the_first(self):
        with pytest.raises(Refused, match=r"1 of 2 intervals have no value.*00:15:00") as refused:
            series_of([Decimal(1), None]).total()

        assert refused.value.code == "series.missing"
        assert series_of([Decimal(1), None]).total_present() == 1

    @given(st.lists(st.tuples(MAYBE, MAYBE), max_size=30))
    def test_adding_and_subtracting_keep_what_is_missing(self, pairs):
        left, right = series_of([a for a, _ in pairs]), series_of([b for _, b in pairs])

        assert left.add(right).decimals() == [
            None if None in pair else pair[0] + pair[1] for pair in pairs
        ]
        assert left.subtract(right).decimals() == [
            None if None in pair else pair[0] - pair[1] for pair in pairs
        ]
        assert left.add(right).equals(right.add(left))
        assert left.negated().negated().equals(left)

    def test_the_status_of_a_sum_is_the_worse_of_both(self):
        left = series_of([Decimal(1)], status=Status.EDITED)

        assert left.add(series_of([Decimal(1)])).status.tolist() == [50]

    def test_sum_of_needs_a_series(self):
        one = series_of([Decimal(1), Decimal(2)])

        assert sum_of([one, one, one]).total() == 9
        with pytest.raises(Refused, match="no series to add up"):
            sum_of([])

    def test_slice_takes_whole_intervals(self):
        series = series_of([Decimal(n) for n in range(8)])

        part = series.slice(START + timedelta(minutes=30), START + timedelta(minutes=60))

        assert part.decimals() == [2, 3]

    def test_absent_and_zero(self):
        grid = Grid(START, 15, 3)

        assert Series.absent(grid, "kWh").missing_count == 3
        assert Series.zero(grid, "kWh").total() == 0

    def test_missing_values_get_the_status_missing(self):
        series = Series(Grid(START, 15, 2), np.array([MISSING, 5]), np.array([10, 10]), "kWh")

        assert series.status.tolist() == [100, 10]

    @pytest.mark.parametrize(
        ("act", "message"),
        [
            (lambda s: s.to_minutes(20), "cannot be summed into intervals of 20 minutes"),
            (lambda s: s.to_minutes(5), "cannot be summed into intervals of 5 minutes"),
            (lambda s: s.to_minutes(60), "3 intervals of 15 minutes cannot be summed"),
            (lambda s: s.add(series_of([Decimal(1)])), "do not lie on the same grid"),
            (lambda s: s.add(series_of([Decimal(1)] * 3, unit="kW")), "kWh and kW cannot be added"),
            (lambda s: Series(s.grid, s.values[:2], s.status, "kWh"), "not 2 and 3"),
            (
                lambda s: Series(s.grid, s.values, np.full(3, 100), "kWh"),
                "with a value has the status MISSING",
            ),
        ],
    )
    def test_says_why_it_cannot(self, act, message):
        with pytest.raises(Refused, match=message):
            act(series_of([Decimal(1)] * 3))

    def test_a_sum_beyond_64_bits_is_refused(self):
        huge = Series(Grid(START, 15, 2), np.full(2, 2**62), np.full(2, 10), "kWh")

        with pytest.raises(Refused, match="does not fit"):
            huge.to_minutes(30)
        with pytest.raises(Refused, match="does not fit"):
            huge.add(huge)


class TestDigest:
    def test_is_the_hash_of_head_values_and_statuses(self):
        head = b'{"grid":{"count":2,"minutes":15,"start_utc":"2026-03-02T00:00:00Z"},"unit":"kWh"}'
        body = struct.pack("<qq", 25_000_000_000, MISSING) + bytes([10, 100])

        digest = series_of([Decimal("25000"), None]).digest()

        assert digest == hashlib.sha256(head + body).hexdigest()

    @pytest.mark.parametrize(
        "other",
        [
            series_of([Decimal(1), Decimal(3)]),
            series_of([Decimal(1), Decimal(2)], minutes=30),
            series_of([Decimal(1), Decimal(2)], unit="kW"),
            series_of([Decimal(1), Decimal(2)], status=Status.EDITED),
            series_of([Decimal(1), Decimal(2)], start=START + timedelta(minutes=15)),
        ],
    )
    def test_changes_with_everything(self, other):
        series = series_of([Decimal(1), Decimal(2)])

        assert other.digest() != series.digest()
        assert not other.equals(series)


class TestPriceSeries:
    def hourly(self, *prices):
        return PriceSeries.of(Grid(START, 60, len(prices)), list(prices), "USD/MWh", "DA 1", True)

    def test_a_price_holds_for_every_finer_interval_and_is_missing_outside(self):
        prices = self.hourly(Decimal("31.27"), None)

        onto = prices.onto(Grid(START - timedelta(minutes=30), 30, 6))

        assert onto.tolist() == [MISSING, 3127000000, 3127000000, MISSING, MISSING, MISSING]
        assert prices.missing_count == 1

    def test_an_interval_over_two_prices_is_refused(self):
        with pytest.raises(Refused, match="lies in two prices of 60 minutes"):
            self.hourly(Decimal(1), Decimal(2)).onto(Grid(START, 120, 1))
        with pytest.raises(Refused, match="lies in two prices"):
            self.hourly(Decimal(1), Decimal(2)).onto(Grid(START + timedelta(minutes=50), 15, 2))

    def test_slice_decimals_and_digest(self):
        prices = self.hourly(Decimal("-5.1"), Decimal("0.00000001"))

        part = prices.slice(START + timedelta(hours=1), START + timedelta(hours=2))

        assert part.decimals() == [Decimal("0.00000001")]
        assert part.digest() != prices.digest()
        assert prices.digest() == self.hourly(Decimal("-5.1"), Decimal("0.00000001")).digest()

    def test_needs_one_price_per_interval(self):
        with pytest.raises(Refused, match="A grid of 2 intervals has 1 prices"):
            PriceSeries(Grid(START, 60, 2), np.array([1]), "USD/MWh")


class TestQuality:
    def test_the_worst_of_none_is_refused(self):
        with pytest.raises(Refused, match="no worst status"):
            worst(np.array([], dtype=np.uint8))

    def test_statuses_are_ordered_and_lettered(self):
        assert [letter(status) for status in Status] == list("AAASME??XX")
        assert Status.MISSING not in BILLABLE
        assert Status.ESTIMATED in BILLABLE
        assert Method.SOURCE == 20
