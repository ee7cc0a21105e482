"""Estimators: the worked examples, what may not serve, and that they are deterministic."""

import datetime as dt
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.calc.ladder import estimate_gap, fill
from meters.estimation import EstimationContext, estimators
from meters.estimation.avg_like_day import AvgLikeDayParameters
from meters.estimation.interpolate import InterpolateParameters
from meters.validation import rules
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.series import Series
from tests.meters.cases import example, needs_cases

START = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)


def series(values, minutes=15, start=START):
    numbers = [None if value is None else Decimal(str(value)) for value in values]
    return Series.of(Grid(start, minutes, len(numbers)), numbers, "kWh")


def texts(estimate):
    return [f"{value:.3f}" for value in estimate.decimals()]


def interpolate(given_series, gap, **context):
    return estimators.get("interpolate@1").estimate(given_series, gap, EstimationContext(**context))


def around(before, after, n, minutes=15):
    return series([before, *[None] * n, after], minutes), slice(1, n + 1)


@needs_cases
@pytest.mark.parametrize("name", ["I1", "I2", "I9", "I10"])
def test_interpolation_examples(name):
    case = example(name)["given"]
    values, gap = around(case["before"], case["after"], case["n"], case.get("seconds", 900) // 60)
    estimate = interpolate(values, gap)
    want = example(name)["expect"]
    assert texts(estimate) == want["values"]
    assert estimate.method == Method.INTERPOLATE
    if "sum" in want:
        assert sum(estimate.decimals()) == Decimal(want["sum"])


@needs_cases
@pytest.mark.parametrize("name", ["I2", "I3", "I5", "I6"])
def test_the_limit_of_a_gap_is_inclusive(name):
    case = example(name)["given"]
    values, gap = around(1, 2, case["n"], case["seconds"] // 60)
    parameters = InterpolateParameters(limit_minutes=case["limit_s"] // 60)
    estimate = interpolate(values, gap, parameters=parameters)
    assert (estimate is not None) == example(name)["expect"]["allowed"]


def test_worksheet_shows_neighbours_formula_and_values_as_plain_json():
    values, gap = around("100", "110", 1)
    estimate = interpolate(values, gap)
    assert json.loads(json.dumps(estimate.worksheet)) == {
        "method": "interpolate@1",
        "formula": "a + (b - a) x (t - ta) / (tb - ta)",
        "rounding": "rounded half to even to 3 decimals, cumulative",
        "unit": "kWh",
        "gap": ["2026-03-02T06:15Z", "2026-03-02T06:30Z"],
        "neighbours": [
            {"side": "before", "start": "2026-03-02T06:00Z", "value": "100"},
            {"side": "after", "start": "2026-03-02T06:30Z", "value": "110"},
        ],
        "values": ["105.000"],
    }
    assert estimate.used == ("2026-03-02T06:00Z", "2026-03-02T06:30Z")


def test_unusable_neighbours_are_walked_past_with_true_distance():
    values = series([100, 90, None, 160])
    flags = [(1, 2, "POWER_FAIL", {})]
    assert texts(interpolate(values, slice(2, 3), flags=flags)) == ["140.000"]
    hour = series([100, *[90] * 4, None, 160])  # an hour of them is walked past, inclusive
    assert texts(interpolate(hour, slice(5, 6), flags=[(1, 5, "TEST_MODE", {})])) == ["150.000"]
    far = series([100, *[90] * 5, None, 160])
    barred = [(1, 6, "TEST_MODE", {})]
    estimate = interpolate(far, slice(6, 7), flags=barred)
    assert texts(estimate) == ["160.000"]
    assert estimate.warnings == ("one side only: held flat",)


def test_estimates_and_suspects_are_no_neighbours():
    values = series([100, 100, None, 160])
    status = values.status.copy()
    status[1], status[3] = Status.ESTIMATED, Status.SUSPECT
    doubtful = Series(values.grid, values.values, status, "kWh")
    assert texts(interpolate(doubtful, slice(2, 3))) == ["100.000"]
    status[0] = Status.RAW
    nothing = Series(values.grid, values.values, status, "kWh")
    assert interpolate(nothing, slice(2, 3)) is None


def test_nothing_reaches_across_another_installation():
    values, gap = around(100, 200, 2)
    assert texts(interpolate(values, gap, barriers=[1])) == ["200.000", "200.000"]
    assert texts(interpolate(values, gap, barriers=[3])) == ["100.000", "100.000"]
    assert interpolate(values, gap, barriers=[2]) is None


def test_solar_wind_and_storage_have_their_own_bounds():
    day, gap = series([50] * 4 + [None] * 4 + [60] * 4), slice(4, 8)
    solar, wind = {"technology": "SOLAR"}, {"technology": "WIND"}
    assert interpolate(day, gap, facts=solar) is not None
    dusk = series([50] * 4 + [None] * 4 + [60, 30, 0, 0])
    assert interpolate(dusk, gap, facts=solar) is None
    one_side = series([50] * 4 + [None] * 4)
    assert interpolate(one_side, gap, facts=solar) is None
    assert interpolate(day, gap, facts=wind) is None
    assert interpolate(*around(1, 2, 2), facts=wind) is not None
    store = {"technology": "BATTERY"}
    assert interpolate(*around(-5, 5, 1), facts=store) is None
    assert interpolate(*around(4, 5, 1), facts=store) is not None


@settings(max_examples=80, deadline=None)
@given(
    st.decimals(-(10**6), 10**6, places=3),
    st.decimals(-(10**6), 10**6, places=3),
    st.integers(1, 8),
)
def test_interpolation_lies_between_its_ends_and_keeps_the_exact_total(before, after, n):
    values, gap = around(before, after, n)
    estimate = interpolate(values, gap)
    low, high = min(before, after), max(before, after)
    tolerance = Decimal("0.001")
    assert all(low - tolerance <= value <= high + tolerance for value in estimate.decimals())
    assert abs(sum(estimate.decimals()) - (before + after) * n / 2) <= Decimal("0.0005")
    assert (interpolate(values, gap).values == estimate.values).all()


# -- average of like days --------------------------------------------------------------------

ZONE = "America/Chicago"


def history(first, days, zone=ZONE, minutes=60, value=lambda day, clock: "100"):
    """Build a series of whole local days; ``value`` gives a number, None or (number, status)."""
    local = ZoneInfo(zone)
    start = dt.datetime(first.year, first.month, first.day, tzinfo=local).astimezone(dt.UTC)
    last = first + dt.timedelta(days=days)
    end = dt.datetime(last.year, last.month, last.day, tzinfo=local).astimezone(dt.UTC)
    grid = Grid.spanning(start, end, minutes)
    numbers = []
    for n in range(grid.count):
        clock = grid.start_of(n).astimezone(local)
        found = value(clock.date(), clock)
        numbers.append(None if found is None else Decimal(found))
    return Series.of(grid, numbers, "kWh")


def like_day(given_series, gap, **context):
    context.setdefault("zone", ZONE)
    return estimators.get("avg_like_day@1").estimate(
        given_series, gap, EstimationContext(**context)
    )


def at(given_series, year, month, day, hour, zone=ZONE):
    moment = dt.datetime(year, month, day, hour, tzinfo=ZoneInfo(zone))
    return given_series.grid.index_of(moment.astimezone(dt.UTC))


TARGET = dt.date(2025, 6, 17)


def june(reference, outage=None, other="1"):
    def value(day, clock):
        if day == TARGET and clock.hour == 10:
            return None
        return reference.get(day, other) if clock.hour == 10 else "5"

    values = history(dt.date(2025, 5, 13), 36, value=value)
    n = at(values, 2025, 6, 17, 10)
    flags = []
    if outage:
        k = at(values, outage.year, outage.month, outage.day, 3)
        flags = [(k, k + 1, "POWER_FAIL", {})]
    return values, slice(n, n + 1), flags


@needs_cases
def test_like_day_example():
    refs = {dt.date(2025, 6, 10): "1000", dt.date(2025, 6, 3): "1060", dt.date(2025, 5, 27): "940"}
    assert example("K1")["given"]["refs"] == {
        "Tue 06-10": "1000",
        "Tue 06-03": "1060",
        "Tue 05-27": "940",
    }
    values, gap, _ = june(refs)
    estimate = like_day(values, gap)
    assert texts(estimate) == [example("K1")["expect"]["value"]]
    assert estimate.used == ("2025-06-10", "2025-06-03", "2025-05-27")
    assert estimate.method == Method.AVG_LIKE_DAY


@needs_cases
def test_a_day_with_an_outage_is_no_reference():
    refs = {dt.date(2025, 6, 10): "1000", dt.date(2025, 6, 3): "1060",
            dt.date(2025, 5, 27): "940", dt.date(2025, 5, 20): "1010"}  # fmt: skip
    values, gap, flags = june(refs, outage=dt.date(2025, 6, 10))
    estimate = like_day(values, gap, flags=flags)
    want = example("K2")["expect"]
    assert texts(estimate) == [want["value"]]
    assert [day[5:] for day in estimate.used] == want["used"]


@needs_cases
def test_the_repeated_hour_takes_its_slot_twice():
    case = example("K4")
    zone = "America/New_York"
    sunday = dt.date(2025, 11, 2)

    def value(day, clock):
        if day == sunday and clock.hour in (0, 1):
            return None
        return case["given"]["ref_average"] if clock.hour == 1 else "7"

    values = history(dt.date(2025, 10, 1), 33, zone, value=value)
    first = at(values, 2025, 11, 2, 0, zone)
    estimate = like_day(values, slice(first, first + 3), zone=zone)
    want = case["expect"]
    assert texts(estimate) == [
        "7.000", f"{want['first_0100_EDT']}.000", f"{want['second_0100_EST']}.000",
    ]  # fmt: skip
    assert estimate.worksheet["days"][0]["slots"] == ["00:00", "01:00", "01:00"]


def test_a_spring_day_cannot_serve_for_the_hour_it_lacks():
    def value(day, clock):
        return None if day == dt.date(2026, 3, 15) and clock.hour == 2 else str(day.day)

    values = history(dt.date(2026, 2, 14), 30, value=value)
    n = at(values, 2026, 3, 15, 2)
    estimate = like_day(values, slice(n, n + 1))
    assert estimate.used == ("2026-03-01", "2026-02-22", "2026-02-15")  # not 8 March


def test_like_class_fills_up_and_too_few_days_warn():
    values, _, _ = june({}, other="40")
    short = values.slice(values.grid.start_of(at(values, 2025, 6, 13, 0)), values.grid.end_utc)
    n = at(short, 2025, 6, 17, 10)
    estimate = like_day(short, slice(n, n + 1))
    assert estimate.used == ("2025-06-16", "2025-06-13")  # Monday, Friday; no weekend
    assert estimate.warnings == ("only 2 reference day(s) for 2025-06-17",)


def test_holidays_are_like_holidays_then_sundays():
    def value(day, clock):
        return None if day == dt.date(2025, 7, 4) and clock.hour == 10 else str(day.day)

    values = history(dt.date(2025, 6, 6), 30, value=value)
    n = at(values, 2025, 7, 4, 10)
    holidays = frozenset({dt.date(2025, 7, 4), dt.date(2025, 6, 19)})
    estimate = like_day(values, slice(n, n + 1), holidays=holidays)
    assert estimate.used == ("2025-06-19", "2025-06-29", "2025-06-22")
    plain = like_day(values, slice(n, n + 1))
    assert plain.used == ("2025-06-27", "2025-06-20", "2025-06-13")


def test_lookback_forward_days_and_ties():
    refs = {dt.date(2025, 6, 10): "10", dt.date(2025, 6, 3): "20"}
    values, gap, _ = june(refs)
    near = like_day(values, gap, parameters=AvgLikeDayParameters(lookback_days=7, days=1))
    assert (texts(near), near.used) == (["10.000"], ("2025-06-10",))
    assert like_day(values, gap, parameters=AvgLikeDayParameters(lookback_days=1, days=1)).used == (
        "2025-06-16",
    )

    def value(day, clock):
        return None if day == TARGET and clock.hour == 10 else str(day.day)

    both = history(dt.date(2025, 6, 1), 30, value=value)
    n = at(both, 2025, 6, 17, 10)
    forward = AvgLikeDayParameters(forward_days=14, days=2)
    assert like_day(both, slice(n, n + 1), parameters=forward).used == ("2025-06-10", "2025-06-24")


def test_estimates_and_another_installation_are_no_reference():
    values, gap, _ = june({}, other="40")
    status = values.status.copy()
    status[:] = Status.ESTIMATED
    assert like_day(Series(values.grid, np.where(values.missing, 0, values.values),
                           status, "kWh"), gap) is None  # fmt: skip
    barrier = at(values, 2025, 6, 9, 0)
    estimate = like_day(values, gap, barriers=[barrier])
    assert estimate.used == ("2025-06-10", "2025-06-16", "2025-06-13")


@pytest.mark.parametrize("technology", ["SOLAR", "WIND", "BATTERY"])
def test_days_of_sun_wind_and_stores_are_not_alike(technology):
    values, gap, _ = june({})
    assert like_day(values, gap, facts={"technology": technology}) is None


def test_a_gap_over_midnight_is_estimated_day_by_day():
    def value(day, clock):
        gone = (day == dt.date(2026, 3, 3) and clock.hour > 20) or (
            day == dt.date(2026, 3, 4) and clock.hour < 2
        )
        return None if gone else str(day.weekday() + 1)

    values = history(dt.date(2026, 2, 1), 34, value=value)
    n = at(values, 2026, 3, 3, 21)
    estimate = like_day(values, slice(n, n + 5))
    assert texts(estimate) == ["2.000"] * 3 + ["3.000"] * 2
    assert [sheet["day"] for sheet in estimate.worksheet["days"]] == ["2026-03-03", "2026-03-04"]


# -- ladder ------------------------------------------------------------------------------------


def test_the_first_method_that_applies_is_taken():
    def value(day, clock):
        short = day == dt.date(2026, 3, 3) and clock.hour == 5
        long = day == dt.date(2026, 3, 4) and 5 <= clock.hour < 9
        return None if short or long else "50"

    values = history(dt.date(2026, 2, 1), 34, value=value)
    filled = fill(values, values.missing, EstimationContext(zone=ZONE))
    assert [e.method for e in filled.estimates] == [Method.INTERPOLATE, Method.AVG_LIKE_DAY]
    assert filled.series.missing_count == 0
    assert filled.unfilled == ()
    assert sorted(set(filled.method.tolist())) == [0, Method.INTERPOLATE, Method.AVG_LIKE_DAY]
    assert (filled.series.status[values.missing] == Status.ESTIMATED).all()
    assert (filled.series.values[values.missing] == 50_000_000).all()


def test_what_no_method_can_fill_stays_missing():
    values = series([None] * 20)
    filled = fill(values, values.missing, EstimationContext(zone=ZONE))
    assert filled.unfilled == (slice(0, 20),)
    assert (filled.series.values == MISSING).all()
    assert estimate_gap(values, slice(0, 20), EstimationContext(zone=ZONE)) is None


def test_parameters_of_a_step_reach_the_estimator():
    values, gap = around(1, 2, 8)
    steps = [("interpolate@1", InterpolateParameters(limit_minutes=60))]
    assert estimate_gap(values, gap, EstimationContext(zone=ZONE), steps) is None
    assert estimate_gap(values, gap, EstimationContext(zone=ZONE)) is not None


@pytest.mark.parametrize("key", estimators.keys())
def test_every_estimator_explains_itself(key):
    estimator = estimators.get(key)
    assert estimator.title
    assert isinstance(estimator.method, Method)
    estimator.Parameters()


def test_no_estimator_has_the_key_of_a_rule():
    """One setting names one of them (`RuleSetting.rule_key`)."""
    assert not set(estimators.keys()) & set(rules.keys())
