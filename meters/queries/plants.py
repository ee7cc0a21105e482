"""Reads what the comparison of generating units is made of; eight queries for any campus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from meters.calc.plant import (
    Flow,
    Performance,
    UnitInputs,
    missing_of,
    of_vendor,
    performance,
    was_running,
)
from meters.models import (
    Campus,
    CapacityStep,
    Channel,
    Direction,
    GeneratingUnit,
    PointKind,
    Quantity,
    Role,
    Technology,
    capacity_steps,
)
from meters.queries.metrology import outages
from meters.queries.series import final_many
from poweroptix.kernel.period import Period, day_start
from poweroptix.kernel.series import Series

#: Technologies whose starts mean something; the sun rises and a battery turns round every day.
STARTING = {Technology.GAS_ENGINE, Technology.GAS_TURBINE, Technology.NUCLEAR,
            Technology.FUEL_CELL, Technology.OTHER}  # fmt: skip
OUTPUT_KINDS = (PointKind.GENERATOR, PointKind.STORAGE)
LEAD = timedelta(hours=1)


@dataclass(frozen=True)
class Origin:
    """Where a figure comes from: a channel, what it is to the unit, days, and what is missing."""

    unit: str
    channel: str
    use: str
    first_day: date
    last_day: date
    missing_ratio: Fraction


@dataclass(frozen=True)
class Plants:
    """Units and vendors in a range, where the figures come from, and units that did not serve."""

    period: Period
    units: tuple[Performance, ...]
    vendors: tuple[Performance, ...]
    origins: tuple[Origin, ...]
    out_of_service: tuple[str, ...]


def nameplate_kw(unit: GeneratingUnit, day: date):
    """Return the nameplate of a unit on a local day in kW, zero before and after its service."""
    in_force = [kw for start, kw in capacity_steps(unit, unit.capacity_steps.all()) if start <= day]
    return in_force[-1] if in_force else 0


def plants(campus: Campus, period: Period, *, now: datetime) -> Plants:
    """Return the performance of the generating units of a campus in a range of local days."""
    units = list(GeneratingUnit.objects.filter(campus=campus).order_by("code"))
    steps: dict[int, list[CapacityStep]] = {}
    for step in CapacityStep.objects.filter(generating_unit__in=units):
        steps.setdefault(step.generating_unit_id, []).append(step)
    channels = list(
        Channel.objects.filter(
            delivery_point__campus=campus, delivery_point__generating_unit__isnull=False,
            role=Role.MAIN, is_active=True,
        ).select_related("delivery_point").order_by("code")
    )  # fmt: skip
    ids = [channel.pk for channel in channels]
    series = final_many(ids, period.start_utc - LEAD, period.end_utc)[0] if ids else {}
    dark = outages(period.start_utc, period.end_utc, now=now, campus_id=campus.pk)
    inputs, idle = [], []
    for unit in units:
        made = _inputs(unit, steps.get(unit.pk, []), channels, series, period)
        if made is None:
            idle.append(unit.code)
            continue
        mine = [
            outage
            for row, outage in dark
            if row.delivery_point.generating_unit_id == unit.pk
            and row.delivery_point.kind in OUTPUT_KINDS
        ]
        inputs.append(replace(made, outages=mine))
    inputs = _sharing(inputs, {unit.code: unit for unit in units})
    by_vendor: dict[str, list[UnitInputs]] = {}
    for one in inputs:
        by_vendor.setdefault(one.vendor, []).append(one)
    return Plants(
        period,
        tuple(performance(one) for one in inputs),
        tuple(of_vendor(vendor, rows) for vendor, rows in sorted(by_vendor.items())),
        tuple(origin for one in inputs for origin in _origins(one, period.zone)),
        tuple(idle),
    )


def _inputs(
    unit: GeneratingUnit,
    steps: Iterable[CapacityStep],
    channels: list[Channel],
    series: dict[int, Series],
    period: Period,
) -> UnitInputs | None:
    """Return what one unit is judged by, None when it did not serve in the period."""
    capacity = [
        (period.start_utc if day == date.min else day_start(day, period.zone), kw)
        for day, kw in capacity_steps(unit, steps)
    ]
    start = max(capacity[0][0], period.start_utc)
    end = period.end_utc
    if unit.retired_date is not None:
        end = min(end, capacity.pop()[0])
    if start >= end:
        return None
    mine = [c for c in channels if c.delivery_point.generating_unit_id == unit.pk]

    def flows(chosen: Iterable[Channel]) -> list[Flow]:
        return [Flow(c.code, series[c.pk].slice(start, end)) for c in chosen]

    gross = [c for c in mine if _is_output(c)]
    return UnitInputs(
        code=unit.code,
        vendor=unit.vendor or "no vendor",
        technology=unit.technology,
        start_utc=start,
        end_utc=end,
        capacity=capacity,
        gross=flows(gross),
        drawn=flows(c for c in mine if _is_drawn(c)),
        fuel=flows(c for c in mine if _is_fuel(c)),
        burns_fuel=bool(unit.fuel),
        fuel_with=(),
        outages=(),
        counts_starts=unit.technology in STARTING,
        was_running=was_running(
            series[c.pk].slice(start - timedelta(minutes=c.minutes), start) for c in gross
        ),
    )


def _is_output(channel: Channel) -> bool:
    return (
        channel.quantity == Quantity.KWH
        and channel.delivery_point.kind in OUTPUT_KINDS
        and channel.direction != Direction.RECEIVED
    )


def _is_drawn(channel: Channel) -> bool:
    """Whether a channel is what a generator draws; charging a battery is not."""
    kind = channel.delivery_point.kind
    drawn = kind == PointKind.GENERATOR and channel.direction == Direction.RECEIVED
    auxiliary = kind == PointKind.GENERATOR_AUX and channel.direction != Direction.RECEIVED
    return channel.quantity == Quantity.KWH and (drawn or auxiliary)


def _is_fuel(channel: Channel) -> bool:
    return channel.quantity == Quantity.MMBTU and channel.delivery_point.kind == PointKind.FUEL


def _sharing(inputs: list[UnitInputs], units: dict[str, GeneratingUnit]) -> list[UnitInputs]:
    """Return the inputs with fuel meters shared inside a vendor.

    A fuel meter names one unit. Units of the same vendor and fuel without a meter of their own are
    taken to stand behind it; then only the group has a heat rate.
    """
    groups: dict[tuple[str, str], list[UnitInputs]] = {}
    for one in inputs:
        if one.burns_fuel:
            groups.setdefault((one.vendor, units[one.code].fuel), []).append(one)
    shared: dict[str, UnitInputs] = {}
    for group in groups.values():
        metered = [one for one in group if one.fuel]
        bare = [one for one in group if not one.fuel]
        if not metered or not bare:
            continue
        flows = [flow for one in metered for flow in one.fuel]
        for one in group:
            others = tuple(other.code for other in group if other.code != one.code)
            shared[one.code] = replace(one, fuel=flows, fuel_with=others)
    return [shared.get(one.code, one) for one in inputs]


def _origins(unit: UnitInputs, zone: str) -> list[Origin]:
    span = Period(unit.start_utc, unit.end_utc, zone)
    shared = f"fuel, together with {', '.join(unit.fuel_with)}" if unit.fuel_with else "fuel"
    uses = ((unit.gross, "output"), (unit.drawn, "drawn, taken off"), (unit.fuel, shared))
    return [
        Origin(unit.code, flow.code, use, span.first_date, span.last_date, missing_of([flow]))
        for flows, use in uses
        for flow in flows
    ]
