"""What the units behind some points can do, as estimates ask for it: on a day.

Power curve, heat rates and store of the generating unit, place of the campus. Five queries at most,
two where no point has a generating unit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from meters.calc.evidence import Points
from meters.models import DeliveryPoint, HeatRatePoint, PowerCurvePoint, UnitLimits


@dataclass(frozen=True)
class Place:
    """Where a campus lies, in degrees."""

    latitude_deg: Decimal
    longitude_deg: Decimal


class Plants:
    """Master data of the units behind some delivery points."""

    def __init__(self, point_ids: Collection[int]) -> None:
        points = DeliveryPoint.objects.filter(pk__in=point_ids).select_related("campus")
        self._points = {point.pk: point for point in points}
        units = {point.generating_unit_id for point in self._points.values()} - {None}
        self._curves = _by_day(PowerCurvePoint, units, "wind_m_per_s", "power_kw")
        self._rates = _by_day(HeatRatePoint, units, "fuel_mmbtu_per_hour", "heat_rate_btu_per_kwh")
        self._limits: dict[int, list[UnitLimits]] = defaultdict(list)
        rows = UnitLimits.objects.filter(generating_unit__in=units).order_by("effective_from")
        for row in rows if units else ():
            self._limits[row.generating_unit_id].append(row)

    def place(self, point_id: int) -> Place | None:
        """Return where the campus of a point lies; None where nobody has told."""
        campus = self._points[point_id].campus
        if campus.latitude_deg is None or campus.longitude_deg is None:
            return None
        return Place(campus.latitude_deg, campus.longitude_deg)

    def power_curve(self, point_id: int, day: date) -> Points:
        """Return the power curve in force on a local day; empty where none is known."""
        return _in_force(self._curves.get(self._unit(point_id), {}), day)

    def heat_rates(self, point_id: int, day: date) -> Points:
        """Return the heat rates in force on a local day; empty where none is known."""
        return _in_force(self._rates.get(self._unit(point_id), {}), day)

    def limits(self, point_id: int, day: date) -> UnitLimits | None:
        """Return the limits of the unit in force on a local day."""
        rows = self._limits.get(self._unit(point_id), [])
        return next((row for row in reversed(rows) if row.effective_from <= day), None)

    def change_days(self, point_id: int) -> set[date]:
        """Return the days from which something else holds for the unit of a point."""
        unit = self._unit(point_id)
        limits = {row.effective_from for row in self._limits.get(unit, [])}
        return limits | self._curves.get(unit, {}).keys() | self._rates.get(unit, {}).keys()

    def _unit(self, point_id: int) -> int:
        return self._points[point_id].generating_unit_id or 0


def _by_day(
    model: Any, units: Collection[int], x: str, y: str
) -> dict[int, dict[date, list[tuple[Decimal, Decimal]]]]:
    """Return the curves of units by the day they begin."""
    found: dict[int, dict[date, list[tuple[Decimal, Decimal]]]] = defaultdict(dict)
    if not units:
        return found
    rows = model.objects.filter(generating_unit__in=units).order_by("effective_from", x)
    for unit, day, *point in rows.values_list("generating_unit_id", "effective_from", x, y):
        found[unit].setdefault(day, []).append((point[0], point[1]))
    return found


def _in_force(curves: dict[date, list[tuple[Decimal, Decimal]]], day: date) -> Points:
    begun = [first for first in curves if first <= day]
    return tuple(curves[max(begun)]) if begun else ()
