"""Sun elevation against values that others published, and laws of the sky."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.sun import sun_elevation
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status

D = Decimal
GOLDEN = D("39.742476"), D("-105.1786")  # NREL, Golden, Colorado
CHICAGO = D("41.8781"), D("-87.6298")


def degrees(series):
    return series.values / 1e6


def day_of(day, place, minutes=1):
    return degrees(sun_elevation(Grid.utc_day(date.fromisoformat(day), minutes), *place))


def test_the_example_of_the_nrel_solar_position_algorithm():
    """I. Reda, A. Andreas, NREL/TP-560-34302, table A5.1: zenith 50.11162 deg with refraction."""
    moment = Grid(datetime(2003, 10, 17, 19, 30, tzinfo=UTC), 1, 1)  # middle 12:30:30 MST
    series = sun_elevation(moment, *GOLDEN)
    assert (series.unit, series.status.tolist()) == ("deg", [Status.CALCULATED])
    assert degrees(series)[0] == pytest.approx(90 - 50.11162, abs=0.03)


@pytest.mark.parametrize(
    ("day", "place", "noon"),
    [
        # 90 deg - latitude + declination; the declination is the obliquity, 23.436 deg in 2026.
        ("2026-06-21", CHICAGO, 90 - 41.8781 + 23.436),
        ("2026-12-21", CHICAGO, 90 - 41.8781 - 23.436),
        ("2026-06-21", (D("-33.8688"), D("30")), 90 - 33.8688 - 23.436),
        ("2026-06-21", (D("23.436"), D(0)), 90),
        ("2003-10-17", GOLDEN, 90 - 39.742476 - 9.314),
    ],
)
def test_noon_heights(day, place, noon):
    assert day_of(day, place).max() == pytest.approx(noon, abs=0.1)


@pytest.mark.parametrize(
    ("day", "minutes_utc"), [("2026-02-11", 734.2), ("2026-11-03", 703.6), ("2026-04-15", 720)]
)
def test_noon_at_greenwich_follows_the_equation_of_time(day, minutes_utc):
    """Extremes of about -14.2 and +16.4 minutes in February and November, zero mid April."""
    heights = day_of(day, (D("51.4779"), D(0)))
    assert heights.argmax() + 0.5 == pytest.approx(minutes_utc, abs=1)


def test_equinox_days_rise_and_set_twelve_hours_apart():
    heights = day_of("2026-03-20", (D(0), D(0)))
    assert heights.max() == pytest.approx(90, abs=2.1)
    assert (heights > 0).sum() == pytest.approx(720, abs=1)


def test_the_poles_have_day_and_night_for_half_a_year():
    north = D(90), D(0)
    assert day_of("2026-06-21", north, 60).min() == pytest.approx(23.436, abs=0.02)
    assert day_of("2026-12-21", north, 60).max() == pytest.approx(-23.436, abs=0.02)


def test_the_middle_of_the_interval_counts():
    start = datetime(2026, 6, 21, 12, tzinfo=UTC)
    hour = sun_elevation(Grid(start, 60, 1), *CHICAGO)
    middle = sun_elevation(Grid(start + timedelta(minutes=29), 2, 1), *CHICAGO)
    assert hour.values.tolist() == middle.values.tolist()


@pytest.mark.parametrize(("latitude", "longitude"), [("90.1", "0"), ("0", "-180.5")])
def test_no_place_is_refused(latitude, longitude):
    with pytest.raises(Refused) as refused:
        sun_elevation(Grid.utc_day(date(2026, 1, 1), 60), D(latitude), D(longitude))
    assert str(refused.value) == (
        f"Latitude {latitude}, longitude {longitude} is no place; give degrees from -90 to 90 and "
        "-180 to 180."
    )


@given(
    st.dates(date(1990, 1, 1), date(2049, 12, 31)),
    st.decimals(-90, 90, places=4),
    st.decimals(-180, 180, places=4),
)
def test_no_sun_stands_higher_than_the_season_allows(day, latitude, longitude):
    heights = degrees(sun_elevation(Grid.utc_day(day, 60), latitude, longitude))
    lowest_distance = max(0, abs(float(latitude)) - 23.45)
    assert (np.abs(heights) <= 90 - lowest_distance + 0.01).all()


@given(st.dates(date(1990, 1, 1), date(2049, 12, 31)), st.decimals(-90, 90, places=3))
def test_the_other_side_of_the_earth_sees_the_mirror_image(day, latitude):
    grid = Grid.utc_day(day, 60)
    here = degrees(sun_elevation(grid, latitude, D(0)))
    there = degrees(sun_elevation(grid, -latitude, D(180)))
    assert np.allclose(here, -there, atol=1e-5)
