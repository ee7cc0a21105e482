"""Evidence of other channels: check meters, control systems, devices, weather, fuel, charge.

Which channel stands beside which: `companions.py`. All series come on the grid of the channel with
the gap; samples of a control system on theirs, from the same start. Fuel that is metered by the
hour is spread evenly within it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Relation
from meters.calc.clear_days import clear_days
from meters.calc.evidence import Check, Evidence, Fuel, Named, Solar, Storage, Wind
from meters.calc.sun import sun_elevation
from meters.estimation._base import usable
from meters.models import Direction, PointKind, Quantity, Role, Technology
from meters.services.judging.companions import Neighbour
from meters.services.judging.evidence_readings import at_length
from meters.services.judging.evidence_survey import Survey
from meters.services.judging.subjects import Subject
from poweroptix.kernel.exact import total
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

WEEK = timedelta(hours=168)
#: Devices and meter agree when the loss between them lies in this range (% of the devices).
DEVICE_LOSS_PCT = (Fraction(-1), Fraction(10))
LEAST_INTERVALS = 96
COUNTS = {
    Direction.DELIVERED: "DISCHARGE",
    Direction.RECEIVED: "CHARGE",
    Direction.NET: "NET",
}


class Beside:
    """What other channels tell about one channel with a gap."""

    def __init__(self, survey: Survey, subject: Subject, own: Series, first: int) -> None:
        """Look around a channel; `own`: its readings, `first`: its first missing interval."""
        self._survey, self._subject, self._own, self._first = survey, subject, own, first
        self._besides = survey.besides(subject)

    def evidence(self, day: date) -> Evidence:
        """Return the evidence of other channels, with what its plant can do on a local day."""
        devices, loss_pct = self._devices()
        is_energy = self._subject.quantity == Quantity.KWH
        solar = self._solar() if is_energy else None
        past, past_outages = self._survey.last_year(self._subject)
        return Evidence(
            checks=self._checks(),
            node=self._survey.nodes.node(self._subject, self._own, self._first),
            last_year=past,
            last_year_outages=past_outages,
            shape=self._shape(solar),
            scada=self._scada(),
            devices=devices,
            device_loss_pct=loss_pct,
            solar=solar,
            wind=self._wind(day) if is_energy else None,
            fuel=self._fuel(day) if is_energy else None,
            storage=self._storage(day) if is_energy else None,
        )

    def _of(self, relation: Relation) -> Iterator[Neighbour]:
        return (each.channel for each in self._besides if each.relation == relation)

    def _series(self, other: Neighbour) -> Series:
        return self._survey.stored.series(other.channel_id, other.minutes, other.unit)

    def _on_grid(self, relation: Relation) -> Named | None:
        """Return the first companion that can be had on the grid of the channel."""
        for other in self._of(relation):
            if other.minutes == self._own.grid.minutes:
                return Named(other.code, self._series(other))
        return None

    def _checks(self) -> tuple[Check, ...]:
        """Return check meters before backup meters."""
        found = [
            other
            for other in self._of(Relation.CHECK)
            if (other.minutes, other.unit) == (self._own.grid.minutes, self._own.unit)
        ]
        found.sort(key=lambda other: (other.role != Role.CHECK, other.code))
        return tuple(Check(other.code, self._series(other)) for other in found)

    def _scada(self) -> Named | None:
        for other in self._of(Relation.SCADA):
            if self._own.grid.minutes % other.minutes == 0:
                return Named(other.code, self._series(other))
        return None

    def _devices(self) -> tuple[tuple[Named, ...], Decimal]:
        """Return the generators of the unit whose sum is what the meter shows, and the loss.

        They are taken for the inverters or turbines below the meter when they agreed with it over
        the 168 hours before the gap; the loss between them is what was missing then.
        """
        if self._subject.technology not in (Technology.SOLAR, Technology.WIND):
            return (), Decimal(0)
        grid = self._own.grid
        found = [o for o in self._of(Relation.GROSS)
                 if (o.minutes, o.unit) == (grid.minutes, self._own.unit)]  # fmt: skip
        named = tuple(Named(other.code, self._series(other)) for other in found)
        if not named:
            return (), Decimal(0)
        window = slice(max(0, self._first - WEEK // timedelta(minutes=grid.minutes)), self._first)
        both = usable(self._own)[window]
        for each in named:
            both &= usable(each.series)[window]
        below = sum(total(each.series.values[window][both]) for each in named)
        if int(both.sum()) < LEAST_INTERVALS or below <= 0:
            return (), Decimal(0)
        loss = Fraction(below - total(self._own.values[window][both]), below) * 100
        if not DEVICE_LOSS_PCT[0] <= loss <= DEVICE_LOSS_PCT[1]:
            return (), Decimal(0)
        return named, max(Decimal(0), to_places(loss, 6, Mode.HALF_EVEN))

    def _shape(self, solar: Solar | None) -> Named | None:
        """Return how energy is likely to have run: with the sun, or with the other loads."""
        if solar is not None:
            if solar.irradiance is not None or solar.elevation is None:
                return solar.irradiance
            above = np.maximum(solar.elevation.values, 0)
            height = Series(self._own.grid, above, solar.elevation.status, "deg")
            return Named("elevation of the sun", height)
        return self._survey.nodes.load_shape(self._subject, self._own)

    def _solar(self) -> Solar | None:
        if self._subject.technology != Technology.SOLAR:
            return None
        place = self._survey.plants.place(self._subject.point_id)
        grid = self._own.grid
        irradiance = self._on_grid(Relation.IRRADIANCE)
        clear = clear_days(irradiance.series, self._subject.zone) if irradiance else frozenset()
        elevation = sun_elevation(grid, place.latitude_deg, place.longitude_deg) if place else None
        return Solar(elevation, irradiance, clear)

    def _wind(self, day: date) -> Wind | None:
        curve = self._survey.plants.power_curve(self._subject.point_id, day)
        speed = self._on_grid(Relation.WIND_SPEED) if curve else None
        return Wind(speed, curve) if speed else None

    def _fuel(self, day: date) -> Fuel | None:
        rates = self._survey.plants.heat_rates(self._subject.point_id, day)
        grid = self._own.grid
        for other in self._of(Relation.FUEL) if rates else ():
            if other.minutes == grid.minutes:
                return Fuel(Named(other.code, self._series(other)), rates)
            if other.minutes % grid.minutes == 0:
                spread = at_length(self._series(other), grid)
                return Fuel(
                    Named(f"{other.code}, spread within {other.minutes} min", spread), rates
                )
        return None

    def _storage(self, day: date) -> Storage | None:
        limits = self._survey.plants.limits(self._subject.point_id, day)
        charge = _percent(self._on_grid(Relation.STATE_OF_CHARGE))
        if limits is None or limits.usable_kwh is None or charge is None:
            return None
        if self._subject.kind != PointKind.STORAGE:
            return None
        counts = COUNTS[Direction(self._subject.direction)]
        needed = (
            limits.charge_ratio if counts != "DISCHARGE" else Decimal(1),
            limits.discharge_ratio if counts != "CHARGE" else Decimal(1),
        )
        if None in needed:
            return None
        one = Decimal(1)
        return Storage(
            charge, limits.usable_kwh, limits.charge_ratio or one, limits.discharge_ratio or one,
            counts,
        )  # fmt: skip


def _percent(charge: Named | None) -> Named | None:
    """Return a state of charge in %, also where it is stored as a ratio."""
    if charge is None or charge.series.unit != "ratio":
        return charge
    given = charge.series
    values = np.where(given.missing, MISSING, given.values * 100)
    return Named(charge.name, Series(given.grid, values, given.status, "%"))
