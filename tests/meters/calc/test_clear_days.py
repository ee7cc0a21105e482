"""Clear days by irradiance alone."""

from datetime import UTC, date, datetime
from decimal import Decimal

from meters.calc.clear_days import clear_days
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

ZONE = "America/Chicago"
MIDNIGHT = datetime(2026, 3, 2, 6, tzinfo=UTC)


def sky(*days, missing=()):
    """Return hourly irradiance: each day has so many W/m2 from 8 to 18."""
    values = [Decimal(v) if 8 <= hour < 18 else Decimal(0) for v in days for hour in range(24)]
    values = [None if i in missing else v for i, v in enumerate(values)]
    return Series.of(Grid(MIDNIGHT, 60, len(values)), values, "W/m2")


def days(*found):
    return frozenset(date(2026, 3, day) for day in found)


def test_days_near_the_brightest_are_clear_and_the_limit_counts():
    assert clear_days(sky(1000, 900, 899, 300), ZONE) == days(2, 3)


def test_a_day_with_a_hole_or_without_its_ends_is_not_judged():
    assert clear_days(sky(1000, 1000, missing=[10]), ZONE) == days(3)
    part = sky(1000, 800)
    cut = Series(Grid(MIDNIGHT, 60, 40), part.values[:40], part.status[:40], part.unit)
    assert clear_days(cut, ZONE) == days(2)


def test_suspect_readings_do_not_make_a_day_bright():
    given = sky(1000, 500)
    status = given.status.copy()
    status[:24] = Status.SUSPECT
    assert clear_days(Series(given.grid, given.values, status, given.unit), ZONE) == days(3)


def test_dark_and_empty_skies_have_no_clear_day():
    assert clear_days(sky(0, 0), ZONE) == frozenset()
    assert clear_days(sky(), ZONE) == frozenset()


def test_the_short_day_of_spring_counts_as_a_whole_one():
    start = datetime(2026, 3, 8, 6, tzinfo=UTC)
    values = [Decimal(500)] * 23
    assert clear_days(Series.of(Grid(start, 60, 23), values, "W/m2"), ZONE) == {date(2026, 3, 8)}
