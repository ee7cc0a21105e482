"""Local time: days tile the year, months have the hours they have, clocks agree with zoneinfo."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock, Period, day_start, local_to_utc, zone_of

ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Phoenix",
    "Europe/London",
    "Australia/Lord_Howe",
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", range(2024, 2028))
class TestADay:
    def test_begins_where_the_one_before_ends(self, zone, year):
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(366 if year == 2024 else 365)]

        periods = [Period.day(zone, day) for day in days]

        for before, after in pairwise(periods):
            assert before.end_utc == after.start_utc
        assert periods[0].start_utc == day_start(date(year, 1, 1), zone)
        assert periods[-1].end_utc == day_start(date(year + 1, 1, 1), zone)
        assert {period.hours for period in periods} <= {
            Decimal(23),
            Decimal("23.5"),
            Decimal(24),
            Decimal("24.5"),
            Decimal(25),
        }

    def test_belongs_to_exactly_one_month(self, zone, year):
        months = [Period.month(zone, f"{year}-{month:02d}") for month in range(1, 13)]

        days = [day for month in months for day in month.days()]

        assert days == [date(year, 1, 1) + timedelta(days=n) for n in range(len(days))]
        assert len(days) == (366 if year == 2024 else 365)
        assert sum(month.hours for month in months) == len(days) * 24
        for before, after in pairwise(months):
            assert before.end_utc == after.start_utc
            assert before.next() == after
            assert after.previous() == before


class TestA07ClockChanges:
    """settlement.md, example A07."""

    @pytest.mark.parametrize(
        ("zone", "label", "hours", "quarters"),
        [
            ("America/Chicago", "2026-03", 743, 2972),
            ("America/Chicago", "2026-11", 721, 2884),
            ("Etc/GMT+5", "2026-03", 744, 2976),
            ("Etc/GMT+5", "2026-11", 720, 2880),
        ],
    )
    def test_a_month_has_the_hours_of_its_clock(self, zone, label, hours, quarters):
        month = Period.month(zone, label)

        assert month.hours == hours
        assert month.grid(15).count == quarters

    def test_a_day_has_92_or_100_quarter_hours(self):
        assert Period.day("America/Chicago", date(2026, 3, 8)).grid(15).count == 92
        assert Period.day("America/Chicago", date(2026, 11, 1)).grid(15).count == 100


class TestPeriod:
    def test_day_bounds_are_cut_to_the_period(self):
        start = datetime(2026, 3, 8, 12, tzinfo=UTC)
        period = Period(start, start + timedelta(days=1), "America/Chicago", "part")

        assert period.day_bounds(date(2026, 3, 8)) == (start, datetime(2026, 3, 9, 5, tzinfo=UTC))
        with pytest.raises(Refused, match="2026-03-10 is not in part"):
            period.day_bounds(date(2026, 3, 10))

    def test_days_between_includes_the_last(self):
        period = Period.days_between("America/Chicago", date(2026, 3, 7), date(2026, 3, 8))

        assert period.hours == 47
        assert period.last_date == date(2026, 3, 8)

    def test_contains_its_start_and_not_its_end(self):
        march = Period.month("America/Chicago", "2026-03")

        assert march.contains(march.start_utc)
        assert not march.contains(march.end_utc)

    @pytest.mark.parametrize("label", ["2026-13", "2026-3", "March", ""])
    def test_a_label_that_is_no_month_is_refused(self, label):
        with pytest.raises(Refused, match="is not a month; write it as 2026-03"):
            Period.month("UTC", label)

    @pytest.mark.parametrize("zone", ["EST", "CST6CDT", "America/Chigaco", "", "../etc/passwd"])
    def test_a_zone_that_is_no_iana_zone_is_refused(self, zone):
        with pytest.raises(Refused, match="give an IANA zone"):
            zone_of(zone)

    def test_a_day_has_no_next_month(self):
        with pytest.raises(Refused, match="is not a month, so it has no neighbour"):
            Period.day("UTC", date(2026, 3, 8)).next()

    def test_an_empty_range_is_refused(self):
        moment = datetime(2026, 3, 8, tzinfo=UTC)

        with pytest.raises(Refused, match="is empty"):
            Period(moment, moment, "UTC")


class TestLocalToUtc:
    def test_refuses_a_time_the_clock_jumps_over(self):
        with pytest.raises(
            Refused, match="2026-03-08 02:30 does not exist in America/Chicago"
        ) as r:
            local_to_utc(datetime(2026, 3, 8, 2, 30), "America/Chicago", fold=0)

        assert r.value.code == "time.nonexistent"

    def test_refuses_a_time_shown_twice_unless_told_which(self):
        twice = datetime(2026, 11, 1, 1, 30)

        with pytest.raises(Refused, match="happens twice") as refused:
            local_to_utc(twice, "America/Chicago")

        assert refused.value.code == "time.ambiguous"
        assert local_to_utc(twice, "America/Chicago", fold=0).hour == 6
        assert local_to_utc(twice, "America/Chicago", fold=1).hour == 7

    def test_refuses_an_aware_time(self):
        with pytest.raises(Refused, match="already has a zone"):
            local_to_utc(datetime(2026, 1, 1, tzinfo=UTC), "UTC")

    @given(st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)), st.sampled_from(ZONES))
    def test_undoes_what_the_wall_clock_shows(self, instant, zone):
        moment = instant.replace(tzinfo=UTC)
        shown = moment.astimezone(ZoneInfo(zone))

        assert local_to_utc(shown.replace(tzinfo=None, fold=0), zone, fold=shown.fold) == moment


class TestLocalClock:
    @pytest.mark.parametrize("zone", [*ZONES, "Asia/Kathmandu", "America/Santiago"])
    @pytest.mark.parametrize("minutes", [15, 60])
    def test_shows_what_zoneinfo_shows(self, zone, minutes):
        start = datetime(2025, 12, 20, tzinfo=UTC)
        grid = Grid.spanning(start, start + timedelta(days=400), minutes)

        clock = LocalClock.of(grid, zone)

        for at in range(0, grid.count, 7):
            shown = grid.start_of(at).astimezone(ZoneInfo(zone))
            assert (
                date.fromordinal(int(clock.date_ordinal[at])),
                int(clock.minute_of_day[at]),
                int(clock.weekday[at]),
            ) == (shown.date(), shown.hour * 60 + shown.minute, shown.weekday())
            assert (clock.year[at], clock.month[at], clock.day[at]) == (
                shown.year,
                shown.month,
                shown.day,
            )
            assert timedelta(minutes=int(clock.utc_offset_minutes[at])) == shown.utcoffset()

    def test_changes_at_the_very_interval(self):
        grid = Period.day("America/Chicago", date(2026, 3, 8)).grid(5)

        clock = LocalClock.of(grid, "America/Chicago")

        jump = int(np.flatnonzero(np.diff(clock.minute_of_day) != 5)[0])
        assert clock.minute_of_day[jump : jump + 2].tolist() == [115, 180]

    def test_of_an_empty_grid_is_empty(self):
        clock = LocalClock.of(Grid(datetime(2026, 1, 1, tzinfo=UTC), 15, 0), "UTC")

        assert clock.year.size == 0
