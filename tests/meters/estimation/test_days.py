"""Reference days: types and classes of day, outages, windows, the clock changes, last year."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.evidence import Evidence
from meters.calc.reference_days import HOLIDAY, History
from meters.estimation.avg_like_day import AvgLikeDayParameters
from meters.estimation.like_day import LikeDayParameters
from meters.estimation.prev_year import PrevYearParameters
from meters.estimation.recent_days import RecentDaysParameters
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import run, texts, with_status

ZONE = "America/New_York"
ZONES = [
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Phoenix", "Europe/London",
]  # fmt: skip


def days(first, last, value, zone=ZONE, minutes=60):
    """Build a series of whole local days; `value(date, local time)` gives a number or None."""
    grid = Period.days_between(zone, first, last).grid(minutes)
    local = ZoneInfo(zone)
    clocks = [grid.start_of(n).astimezone(local) for n in range(grid.count)]
    numbers = [value(clock.date(), clock) for clock in clocks]
    return Series.of(grid, [None if n is None else Decimal(str(n)) for n in numbers], "kWh")


def whole(given_series, day, zone=ZONE):
    """Return the index range of a local day."""
    period = Period.day(zone, day)
    minutes = dt.timedelta(minutes=given_series.grid.minutes)
    a = (period.start_utc - given_series.grid.start_utc) // minutes
    return slice(a, a + (period.end_utc - period.start_utc) // minutes)


def absent(given_series, gap):
    values, status = given_series.values.copy(), given_series.status.copy()
    values[gap], status[gap] = -(2**63), Status.MISSING
    return Series(given_series.grid, values, status, given_series.unit)


def number_of(day, clock):
    """A value that tells its day and hour: 6 June 10:00 gives 606.10."""
    return Decimal(day.month * 100 + day.day) + Decimal(clock.hour) / 100


TUESDAY = dt.date(2025, 6, 17)
JUNE = days(dt.date(2025, 5, 1), dt.date(2025, 7, 5), number_of)


def fill(key, day, given_series=JUNE, hours=None, **context):
    gap = whole(given_series, day)
    if hours:
        gap = slice(gap.start + hours[0], gap.start + hours[1])
    return run(key, absent(given_series, gap), gap, zone=ZONE, **context)


# -- like_day@1 ----------------------------------------------------------------------------------


def test_a_day_that_is_mostly_missing_is_copied_from_the_nearest_of_its_type():
    estimate = fill("like_day@1", TUESDAY)
    assert estimate.used == ("2025-06-10",)
    assert estimate.decimals() == [Decimal(610) + Decimal(hour) / 100 for hour in range(24)]
    [sheet] = estimate.worksheet["days"]
    assert (sheet["day"], sheet["slots"][10]) == ("2025-06-17", "10:00")
    assert sheet["references"][0]["values"][10] == "610.1"


def test_more_than_half_of_the_day_must_be_missing():
    assert fill("like_day@1", TUESDAY, hours=(0, 12)) is None
    assert fill("like_day@1", TUESDAY, hours=(0, 13)).used == ("2025-06-10",)


def test_a_day_of_only_the_same_class_is_for_the_average():
    short = days(dt.date(2025, 6, 12), dt.date(2025, 6, 17), number_of)
    assert fill("like_day@1", TUESDAY, short) is None
    assert fill("avg_like_day@1", TUESDAY, short).used == ("2025-06-16", "2025-06-13", "2025-06-12")


def test_forward_days_only_when_allowed_and_a_tie_goes_to_the_earlier():
    parameters = LikeDayParameters(forward_days=7)
    assert fill("like_day@1", TUESDAY, parameters=parameters).used == ("2025-06-10",)
    flags = outage(dt.date(2025, 6, 10))
    assert fill("like_day@1", TUESDAY, parameters=parameters, flags=flags).used == ("2025-06-24",)
    assert fill("like_day@1", TUESDAY, flags=flags).used == ("2025-06-03",)


def outage(day, code="POWER_FAIL"):
    first = whole(JUNE, day).start
    return [(first + 3, first + 4, code, {})]


def test_look_back_ends_after_35_days():
    flags = [flag for week in range(1, 5) for flag in outage(TUESDAY - dt.timedelta(days=7 * week))]
    assert fill("like_day@1", TUESDAY, flags=flags).used == ("2025-05-13",)
    short = LikeDayParameters(lookback_days=34)
    assert fill("like_day@1", TUESDAY, flags=flags, parameters=short) is None


def test_a_holiday_takes_other_holidays_and_is_taken_by_none_else():
    holidays = frozenset({TUESDAY, dt.date(2025, 5, 26)})
    assert fill("like_day@1", TUESDAY, holidays=holidays).used == ("2025-05-26",)
    alone = fill("avg_like_day@1", TUESDAY, holidays=frozenset({TUESDAY}))
    assert alone.used == ("2025-06-15", "2025-06-08", "2025-06-01")
    last_tuesday = frozenset({dt.date(2025, 6, 10)})
    assert fill("like_day@1", TUESDAY, holidays=last_tuesday).used == ("2025-06-03",)


@pytest.mark.parametrize(
    "status", [Status.ESTIMATED, Status.SUSPECT, Status.RAW, Status.CALCULATED]
)
def test_a_day_with_an_estimate_in_a_needed_slot_never_serves(status):
    last = whole(JUNE, dt.date(2025, 6, 10))
    doubtful = with_status(JUNE, last.start + 10, status)
    assert fill("like_day@1", TUESDAY, doubtful).used == ("2025-06-03",)
    partial = fill("avg_like_day@1", TUESDAY, doubtful, hours=(11, 13))
    assert partial.used[0] == "2025-06-10"  # a partial day serves for the slots it has


@pytest.mark.parametrize("status", [Status.VALIDATED, Status.VERIFIED, Status.EDITED])
def test_what_a_person_edited_may_serve(status):
    last = whole(JUNE, dt.date(2025, 6, 10))
    assert fill("like_day@1", TUESDAY, with_status(JUNE, last, status)).used == ("2025-06-10",)


def test_nothing_reaches_across_an_installation():
    barrier = whole(JUNE, dt.date(2025, 6, 4)).start
    assert fill("avg_like_day@1", TUESDAY, barriers=[barrier]).used[0] == "2025-06-10"
    assert "2025-06-03" not in fill("avg_like_day@1", TUESDAY, barriers=[barrier]).used
    tuesday = whole(JUNE, TUESDAY)
    assert fill("like_day@1", TUESDAY, barriers=[tuesday.start]) is None
    assert fill("like_day@1", TUESDAY, barriers=[tuesday.stop - 1]) is None
    assert fill("like_day@1", TUESDAY, barriers=[tuesday.stop]) is not None
    ahead = LikeDayParameters(lookback_days=1, forward_days=7)
    assert fill("like_day@1", TUESDAY, parameters=ahead).used == ("2025-06-24",)
    assert fill("like_day@1", TUESDAY, parameters=ahead, barriers=[tuesday.stop]) is None


@pytest.mark.parametrize("technology", ["SOLAR", "WIND", "BATTERY"])
@pytest.mark.parametrize("key", ["like_day@1", "avg_like_day@1", "prev_year@1"])
def test_solar_wind_and_storage_have_no_like_day(key, technology):
    assert fill(key, TUESDAY, facts={"technology": technology}) is None


def test_a_gap_over_two_days_takes_a_day_of_each_type():
    first, second = whole(JUNE, TUESDAY), whole(JUNE, TUESDAY + dt.timedelta(days=1))
    gap = slice(first.start + 6, second.stop)
    estimate = run("like_day@1", absent(JUNE, gap), gap, zone=ZONE)
    assert estimate.used == ("2025-06-10", "2025-06-11")
    assert texts(estimate)[0] == "610.060"
    assert texts(estimate)[-1] == "611.230"


# -- the two-week look-up ------------------------------------------------------------------------

LOOK_UP = {  # Itron: day of June 2025 -> days it looks at, in order
    16: ["06-09", "06-02"],
    17: ["06-10", "06-11", "06-12"],
    18: ["06-11", "06-17", "06-10", "06-12"],
    19: ["06-12", "06-18", "06-11", "06-17", "06-10"],
    20: ["06-13"],
    21: ["06-14"],
    22: ["06-15"],
}


@pytest.mark.parametrize("day", LOOK_UP)
def test_the_two_week_table(day):
    target = dt.date(2025, 6, day)
    history = History(JUNE, ZONE, frozenset(), np.ones(JUNE.grid.count, bool))
    found = [
        dt.date.fromordinal(d).strftime("%m-%d") for d in history.two_weeks(target.toordinal())
    ]
    assert found == LOOK_UP[day]


@pytest.mark.parametrize(
    ("day", "sundays"),
    [(19, ["06-15", "06-08"]), (22, ["06-15", "06-08"]), (16, ["06-15", "06-08"])],
)
def test_a_holiday_of_the_two_week_table_looks_at_sundays(day, sundays):
    target = dt.date(2025, 6, day)
    history = History(JUNE, ZONE, frozenset({target}), np.ones(JUNE.grid.count, bool))
    assert history.type_of(target.toordinal()) == HOLIDAY
    found = [
        dt.date.fromordinal(d).strftime("%m-%d") for d in history.two_weeks(target.toordinal())
    ]
    assert found == sundays


def test_the_two_week_table_goes_on_to_the_next_valid_day():
    table = LikeDayParameters(selection="TWO_WEEKS")
    assert fill("like_day@1", TUESDAY, parameters=table).used == ("2025-06-10",)
    flags = outage(dt.date(2025, 6, 10))
    assert fill("like_day@1", TUESDAY, parameters=table, flags=flags).used == ("2025-06-11",)


# -- the clock changes ---------------------------------------------------------------------------


@needs_cases
def test_the_repeated_hour_takes_its_slot_twice():
    case, want = example("K4")["given"], example("K4")["expect"]
    day = dt.date(2025, 11, 2)
    autumn = days(
        dt.date(2025, 10, 5), day, lambda d, clock: case["ref_average"] if clock.hour == 1 else 7
    )
    gap = whole(autumn, day)
    estimate = run("avg_like_day@1", absent(autumn, slice(gap.start + 1, gap.start + 3)),
                   slice(gap.start + 1, gap.start + 3), zone=ZONE)  # fmt: skip
    assert texts(estimate) == [f"{Decimal(each):.3f}" for each in want.values()]
    assert gap.stop - gap.start == 25


def test_a_day_of_25_hours_as_a_reference_gives_its_first_copy():
    value = lambda day, clock: 1 if clock.fold else 5  # noqa: E731
    autumn = days(dt.date(2025, 11, 1), dt.date(2025, 11, 9), value)
    estimate = fill("like_day@1", dt.date(2025, 11, 9), autumn)
    assert estimate.used == ("2025-11-02",)
    assert set(texts(estimate)) == {"5.000"}


def test_the_skipped_hour_needs_nothing_and_cannot_be_given():
    spring = days(dt.date(2025, 3, 2), dt.date(2025, 3, 16), number_of)
    estimate = fill("like_day@1", dt.date(2025, 3, 9), spring)
    assert len(estimate.values) == 23
    assert [t[-3:-1] for t in texts(estimate)] == [f"{h:02d}" for h in range(24) if h != 2]
    after = fill("like_day@1", dt.date(2025, 3, 16), spring)
    assert after.used == ("2025-03-02",)  # the day without 02:00 cannot stand for one with it


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(dt.date(2024, 2, 10), dt.date(2027, 12, 20)),
    minutes=st.sampled_from([15, 30, 60]),
)
def test_a_steady_week_is_found_again_on_every_day_of_every_zone(zone, day, minutes):
    grid = Period.days_between(zone, day - dt.timedelta(days=21), day).grid(minutes)
    week = Series(grid, np.full(grid.count, 10**6), np.full(grid.count, 10, np.uint8), "kWh")
    gap = whole(week, day, zone)
    hole = absent(week, gap)
    assert gap.stop == grid.count
    assert gap.stop - gap.start in {hours * 60 // minutes for hours in (23, 24, 25)}
    for key in ("like_day@1", "avg_like_day@1"):
        one = run(key, hole, gap, zone=zone)
        two = run(key, hole, gap, zone=zone)
        assert (one.values == 10**6).all()
        assert one.worksheet == two.worksheet


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
def test_local_days_tile_the_years_2024_to_2027(zone, minutes):
    end = None
    for day in Period.days_between(zone, dt.date(2024, 1, 1), dt.date(2027, 12, 31)).days():
        period = Period.day(zone, day)
        assert end is None or period.start_utc == end
        end = period.end_utc
        assert period.grid(minutes).count * minutes in {23 * 60, 24 * 60, 25 * 60}


# -- prev_year@1 ---------------------------------------------------------------------------------


def year(value=number_of):
    return days(dt.date(2024, 5, 20), dt.date(2024, 7, 20), value)


def last_year(given_series=None, **context):
    past = Evidence(
        last_year=given_series or year(), last_year_outages=context.pop("out", frozenset())
    )
    today = days(TUESDAY, TUESDAY, number_of)
    return fill("prev_year@1", TUESDAY, today, evidence=past, **context)


def test_the_day_of_52_weeks_ago_is_copied():
    estimate = last_year()
    assert estimate.used == ("2024-06-18",)
    assert texts(estimate)[:2] == ["618.000", "618.010"]


def test_around_it_the_nearest_of_the_type_then_of_the_class():
    assert last_year(out=frozenset({dt.date(2024, 6, 18)})).used == ("2024-06-11",)
    tuesdays = frozenset(dt.date(2024, 6, day) for day in (4, 11, 18, 25)) | {dt.date(2024, 7, 2)}
    assert last_year(out=tuesdays).used == ("2024-06-17",)
    narrow = PrevYearParameters(spread_days=0)
    assert last_year(out=frozenset({dt.date(2024, 6, 18)}), parameters=narrow) is None


def test_last_year_may_be_in_the_series_itself_and_never_an_estimate():
    long = days(dt.date(2024, 6, 1), TUESDAY, number_of)
    assert fill("prev_year@1", TUESDAY, long).used == ("2024-06-18",)
    guessed = with_status(long, whole(long, dt.date(2024, 6, 18)), Status.ESTIMATED)
    assert fill("prev_year@1", TUESDAY, guessed).used == ("2024-06-11",)
    assert fill("prev_year@1", TUESDAY, days(TUESDAY, TUESDAY, number_of)) is None


def test_last_year_of_another_length_is_not_taken():
    half = days(dt.date(2024, 6, 10), dt.date(2024, 6, 20), number_of, minutes=30)
    assert last_year(half) is None


# -- recent_days@1 -------------------------------------------------------------------------------

TENANT = {"kind": "TENANT_LOAD"}


def flat(weekend):
    return days(
        dt.date(2025, 6, 1), TUESDAY, lambda day, clock: 100 if day.weekday() < 5 else weekend
    )


def test_a_flat_week_is_averaged_whatever_the_weekday():
    estimate = fill("recent_days@1", TUESDAY, flat(100), facts=TENANT)
    assert estimate.used == tuple(f"2025-06-{day}" for day in range(16, 9, -1))
    assert set(texts(estimate)) == {"100.000"}
    assert estimate.warnings == ()
    mixed = fill("recent_days@1", TUESDAY, flat(105), facts=TENANT)
    assert set(texts(mixed)) == {"101.429"}  # (5 x 100 + 2 x 105) / 7


def test_a_week_off_by_exactly_five_percent_is_flat_and_more_is_not():
    assert fill("recent_days@1", TUESDAY, flat("80"), facts=TENANT) is None
    edge = days(dt.date(2025, 6, 1), TUESDAY, lambda d, clock: 105 if d.weekday() < 5 else 100)
    assert fill("recent_days@1", TUESDAY, edge, facts=TENANT) is not None
    over = days(dt.date(2025, 6, 1), TUESDAY, lambda d, clock: 106 if d.weekday() < 5 else 100)
    assert fill("recent_days@1", TUESDAY, over, facts=TENANT) is None
    wide = RecentDaysParameters(flat_pct=Decimal(30))
    assert fill("recent_days@1", TUESDAY, flat("80"), facts=TENANT, parameters=wide) is not None
    assert fill("recent_days@1", TUESDAY, flat(100)) is None  # not the point of a tenant


def test_recent_days_leave_out_outages_and_say_so():
    june = flat(100)
    first = whole(june, dt.date(2025, 6, 12)).start
    flags = [(first, first + 1, "POWER_FAIL", {})]
    estimate = fill("recent_days@1", TUESDAY, june, facts=TENANT, flags=flags)
    assert "2025-06-12" not in estimate.used
    assert estimate.warnings == ("only 6 reference day(s) for 2025-06-17",)


def test_days_to_average_are_a_parameter():
    five = AvgLikeDayParameters(days=5)
    found = fill("avg_like_day@1", TUESDAY, parameters=five, hours=(1, 2))
    assert (len(found.used), found.warnings) == (5, ())
    many = AvgLikeDayParameters(days=31)
    fewer = fill("avg_like_day@1", TUESDAY, parameters=many, hours=(1, 2))
    assert fewer.warnings == (f"only {len(fewer.used)} reference day(s) for 2025-06-17",)
