"""The capacity of a point over a stretch of time, which bounds what its register can advance."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from meters.models import CapacityStep, Channel, capacity_steps
from poweroptix.kernel.period import zone_of


@dataclass(frozen=True)
class Capacity:
    """What a point can carry: its own limit, else the steps of its generating unit."""

    own_kw: Decimal | None
    steps: tuple
    zone: str

    def largest(self, start: datetime, end: datetime) -> Decimal | None:
        """Return the largest capacity (kW) in force in a stretch; None where none is known."""
        if self.own_kw is not None or not self.steps:
            return self.own_kw
        place = zone_of(self.zone)
        first, last = start.astimezone(place).date(), end.astimezone(place).date()
        before = [kw for day, kw in self.steps if day <= first][-1:]
        during = [kw for day, kw in self.steps if first < day <= last]
        return max(before + during, default=None)


def capacities(ids: set[int]) -> dict[int, Capacity]:
    """Return the capacities by channel id. Two queries."""
    channels = list(
        Channel.objects.filter(pk__in=ids).select_related(
            "delivery_point__campus", "delivery_point__generating_unit"
        )
    )
    units = {c.delivery_point.generating_unit_id for c in channels} - {None}
    later: dict[int, list[CapacityStep]] = defaultdict(list)
    for step in CapacityStep.objects.filter(generating_unit__in=units) if units else ():
        later[step.generating_unit_id].append(step)
    found = {}
    for channel in channels:
        point = channel.delivery_point
        unit = point.generating_unit
        steps = capacity_steps(unit, later[unit.pk]) if unit is not None else ()
        found[channel.pk] = Capacity(point.capacity_kw, steps, point.campus.zone)
    return found
