"""How high the sun stands over a place, for whole grids at once.

The equations are those of the NOAA solar calculator (gml.noaa.gov/grad/solcalc), which takes them
from J. Meeus, Astronomical Algorithms, 2nd edition, chapters 22, 25 and 28. Between 1950 and 2050
the geometric elevation is right to about 0.02 deg. Refraction is left out: it lifts the sun by 0.5
deg at the horizon and 0.02 deg at 40 deg, and night lies below it. Angles are floats: they judge
readings, nothing is counted with them.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

Angles = NDArray[np.float64]
#: Noon of 2000-01-01 UTC (epoch J2000), in minutes since 1970, and the minutes of a century.
_J2000, _CENTURY = 15_778_800, 36_525 * 1440


def sun_elevation(grid: Grid, latitude_deg: Decimal, longitude_deg: Decimal) -> Series:
    """Return the geometric elevation of the sun in the middle of each interval, in deg.

    North and east are positive; a value below zero is under the horizon. Raises Refused `sun.place`
    for a latitude beyond 90 or a longitude beyond 180 deg.

    >>> from datetime import UTC, datetime
    >>> noon = Grid(datetime(2003, 10, 17, 19, 30, tzinfo=UTC), 1, 1)
    >>> series = sun_elevation(noon, Decimal("39.742476"), Decimal("-105.1786"))
    >>> series.unit, round(series.decimals()[0], 1)
    ('deg', Decimal('39.9'))
    """
    if abs(latitude_deg) > 90 or abs(longitude_deg) > 180:
        raise Refused(
            "sun.place",
            f"Latitude {latitude_deg:f}, longitude {longitude_deg:f} is no place; give degrees "
            "from -90 to 90 and -180 to 180.",
        )
    middle = grid.epoch_minutes() + grid.minutes / 2
    elevation = _elevation(middle, float(latitude_deg), float(longitude_deg))
    values = np.rint(elevation * MICRO).astype(np.int64)
    status = np.full(grid.count, int(Status.CALCULATED), dtype=np.uint8)
    return Series(grid, values, status, "deg")


def _elevation(epoch_minutes: Angles, latitude: float, longitude: float) -> Angles:
    """Return the elevation at instants in minutes since 1970, UTC."""
    declination, ahead = _sun((epoch_minutes - _J2000) / _CENTURY)
    solar_minutes = epoch_minutes % 1440 + ahead + 4 * longitude
    hour_angle = np.radians(solar_minutes / 4 - 180)
    place = np.radians(latitude)
    height = np.sin(place) * np.sin(declination)
    height += np.cos(place) * np.cos(declination) * np.cos(hour_angle)
    return np.degrees(np.arcsin(np.clip(height, -1, 1)))


def _sun(t: Angles) -> tuple[Angles, Angles]:
    """Return declination (rad) and equation of time (minutes) at centuries since J2000."""
    mean = np.radians((280.46646 + t * (36000.76983 + t * 0.0003032)) % 360)
    anomaly = np.radians(357.52911 + t * (35999.05029 - 0.0001537 * t))
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    centre = np.sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
    centre += np.sin(2 * anomaly) * (0.019993 - 0.000101 * t) + np.sin(3 * anomaly) * 0.000289
    node = np.radians(125.04 - 1934.136 * t)
    apparent = mean + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    seconds = 21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))
    obliquity = np.radians(23 + (26 + seconds / 60) / 60 + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(obliquity) * np.sin(apparent))
    y = np.tan(obliquity / 2) ** 2
    equation = y * np.sin(2 * mean) - 2 * eccentricity * np.sin(anomaly)
    equation += 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * mean)
    equation -= y**2 * np.sin(4 * mean) / 2 + 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    return declination, 4 * np.degrees(equation)
