"""The balance of one campus day as the newest readings have it: legs, intervals, suspects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from meters.models import Campus
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.series import Series
from settlement.calc.balance import DayBalance, campus_balance, coarsest, sum_of
from settlement.calc.scaling import scaled
from settlement.calc.suspects import Suspect, ranked
from settlement.queries.campus import CampusReading, read_campus

LOOKBACK_DAYS = 14
LIKE_DAYS = 4
SATURDAY = 5
OUT = " out"
#: What the leg of a point is called: (on the side of the sources, on that of the sinks).
PARTS = {
    "GENERATOR": ("Generation", "Generation"),
    "GENERATOR_AUX": ("Auxiliaries", "Auxiliaries"),
    "GRID_TIE": ("Import", "Export"),
    "STORAGE": ("Discharge", "Charging"),
    "BUS": ("Bus", "Shared bus"),
    "TENANT_LOAD": ("Tenant", "Tenant"),
    "HOUSE": ("House load", "House load"),
}
#: Which curve a part belongs to, and whether it is taken off it.
CURVES = {
    "Auxiliaries": ("Generation", False),
    "Discharge": ("Storage", False),
    "Charging": ("Storage", True),
    "Tenant": ("Loads", False),
    "House load": ("Loads", False),
}


@dataclass(frozen=True)
class Leg:
    """One point's part of the balance on the day, with the channels that measure it."""

    name: str
    part: str
    is_source: bool
    channels: tuple[str, ...]
    series: Series

    @property
    def energy_kwh(self) -> Decimal:
        """The energy of the day, of the intervals that are known."""
        return self.series.total_present()

    @property
    def letter(self) -> str:
        """The worst quality of the day."""
        return letter(Status(int(self.series.status.max())))


@dataclass(frozen=True)
class DayView:
    """The balance of a day, its legs, the residual per interval and who may be at fault."""

    period: Period
    balance: DayBalance
    legs: tuple[Leg, ...]
    residual: Series
    suspects: tuple[Suspect, ...]
    like_days: tuple[date, ...]
    low_ratio: Decimal
    high_ratio: Decimal

    def leg(self, name: str) -> Leg:
        """Return a leg by name."""
        return next(one for one in self.legs if one.name == name)


def day_view(campus: Campus, day: date) -> DayView:
    """Return the balance of a local day; NotFoundError when no source of the campus is metered.

    Like days are the newest complete, balanced days of the two weeks before, of the same kind
    (working day or weekend) and length; at most four.
    """
    window = Period.days_between(campus.zone, day - timedelta(days=LOOKBACK_DAYS), day)
    reading = read_campus(campus, window)
    sources, sinks = reading.inputs.sources, reading.inputs.sinks
    if not sources:
        text = f"No source of {campus.code} is metered, so there is no balance to look at."
        raise NotFoundError("balance.no_source", text)
    balance = campus_balance(
        sources, sinks, window,
        low_ratio=reading.inputs.low_ratio, high_ratio=reading.inputs.high_ratio,
    )  # fmt: skip
    minutes = coarsest({**sources, **sinks})
    signed = {name: one.to_minutes(minutes) for name, one in sources.items()}
    signed |= {name: one.to_minutes(minutes).negated() for name, one in sinks.items()}
    like = _like(day, balance.days, window)
    suspects = ranked(
        _values(signed, window, day), [_values(signed, window, other) for other in like]
    )
    bounds = window.day_bounds(day)
    return DayView(
        Period.day(campus.zone, day),
        balance.days[-1],
        legs_of(reading, *bounds),
        balance.residual.slice(*bounds),
        tuple(suspects),
        tuple(like),
        reading.inputs.low_ratio,
        reading.inputs.high_ratio,
    )


def legs_of(reading: CampusReading, start: datetime, end: datetime) -> tuple[Leg, ...]:
    """Return the legs of the balance in [start, end), sources first."""
    points = {point["code"]: point for point in reading.document["points"]}
    sides = ((reading.inputs.sources, True), (reading.inputs.sinks, False))
    return tuple(
        _leg(name, one.slice(start, end), points, is_source)
        for side, is_source in sides
        for name, one in side.items()
    )


def _like(day: date, days: tuple[DayBalance, ...], window: Period) -> list[date]:
    begin, end = window.day_bounds(day)
    found = []
    for one in reversed(days[:-1]):
        first, last = window.day_bounds(one.day)
        same_kind = (one.day.weekday() >= SATURDAY) == (day.weekday() >= SATURDAY)
        same_length = last - first == end - begin
        if same_kind and same_length and one.within and not one.missing_count and one.sources_kwh:
            found.append(one.day)
    return found[:LIKE_DAYS]


def _values(signed: Mapping[str, Series], window: Period, day: date) -> dict[str, np.ndarray]:
    bounds = window.day_bounds(day)
    return {name: one.slice(*bounds).values for name, one in signed.items()}


def _leg(name: str, series: Series, points: Mapping, is_source: bool) -> Leg:
    code = name.removesuffix(OUT).removesuffix(" shared")
    point = points[code]
    wanted = ("RECEIVED", "NET") if name.endswith(OUT) else ("DELIVERED", "NET")
    codes = [one["code"] for one in point["channels"] if one["direction"] in wanted]
    every = [one["code"] for one in point["channels"]]
    part = PARTS[point["kind"]][0 if is_source else 1]
    return Leg(name, part, is_source, tuple(codes or every), series)


def by_group(view: DayView) -> dict[str, Series]:
    """Return generation, storage (discharge less charging), import, export, loads and the rest.

    One series each on the coarsest grid; "Unaccounted" is the residual, losses included.
    """
    minutes = view.residual.grid.minutes
    groups: dict[str, Series] = {}
    for leg in view.legs:
        name, is_taken_off = CURVES.get(leg.part, (leg.part, False))
        own = leg.series.to_minutes(minutes)
        own = own.negated() if is_taken_off else own
        groups[name] = groups[name].add(own) if name in groups else own
    return {**groups, "Unaccounted": view.residual}


def residual_band(view: DayView) -> dict[str, Series]:
    """Return the residual with the least and most that the campus allows, per interval."""
    minutes = view.residual.grid.minutes
    sources = sum_of([leg.series for leg in view.legs if leg.is_source], minutes)
    return {
        "Unaccounted": view.residual,
        "most allowed": scaled(sources, view.high_ratio),
        "least allowed": scaled(sources, view.low_ratio),
    }
