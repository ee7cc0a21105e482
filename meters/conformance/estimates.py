"""Estimates: lines, like days, profiles, nodes, SCADA, stores and gas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np

from meters.calc.evidence import Evidence, Flow, Fuel, Known, Named, Node, Storage
from meters.conformance._base import (
    ZONE,
    Facts,
    Found,
    Kind,
    NotUnderstood,
    decimal,
    estimate,
    made,
    series,
    words,
)
from meters.estimation._base import Flag
from meters.estimation.interpolate import InterpolateParameters
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock, Period, zone_of
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

_ONE = slice(0, 1)
_LOOK_BACK = timedelta(days=35)
_SLOT_MINUTES = 15


def interpolate(facts: Facts) -> Found:
    """Draw a line over a gap of so many intervals; a side that is null is not there."""
    n, minutes = facts.whole("n"), facts.minutes()
    sides = [facts.get(name, 1) for name in ("before", "after")]
    before, after = (None if each is None else decimal(each, "a side") for each in sides)
    limit = facts.minutes("limit_s") if "limit_s" in facts else None
    found = estimate(
        "interpolate@1",
        series([before, *[None] * n, after], minutes),
        slice(1, n + 1),
        parameters=None if limit is None else InterpolateParameters(limit_minutes=limit),
    )
    values = [] if found is None else found.decimals()
    return {
        "gap_s": n * minutes * 60,
        "allowed": found is not None,
        "values": values,
        "sum": sum(values, Decimal(0)),
    }


# -- like days -----------------------------------------------------------------------------------


def like_days(facts: Facts) -> Found:
    """Average the same slot of reference days, each with its value and why it may not serve."""
    day, clock, zone = _target(facts.need("target"))
    values: dict[date, Decimal] = {}
    outages, estimated, holidays = set(), set(), set()
    kinds = {"outage": outages, "power": outages, "estimate": estimated, "holiday": holidays}
    for label, text in facts.need("refs").items():
        reference = _reference(label, day)
        said = words(r"(\S+)(?: \((.+)\))?", text, label)
        values[reference] = decimal(said[1], label)
        if said[2]:
            mark = next((each for word, each in kinds.items() if word in said[2].lower()), None)
            if mark is None:
                raise NotUnderstood(f"{label}: {said[2]!r} is no known remark")
            mark.add(reference)
    readings = _history(day, zone, {(each, clock): value for each, value in values.items()})
    at = _places(readings.grid, zone, day, clock)[0]
    flags: list[Flag] = []
    for each in outages:
        place = _places(readings.grid, zone, each, clock)[0]
        flags.append((place, place + 1, "POWER_FAIL", {}))
    status = readings.status.copy()
    for each in estimated:
        status[_places(readings.grid, zone, each, clock)] = Status.ESTIMATED
    readings = Series(readings.grid, readings.values, status, readings.unit)
    found = estimate(
        "avg_like_day@1",
        readings,
        slice(at, at + 1),
        zone=zone,
        flags=flags,
        holidays=frozenset(holidays),
    )
    return {"value": made(found)[0], "used": [] if found is None else [u[5:] for u in found.used]}


def like_day_twice(facts: Facts) -> Found:
    """Fill every occurrence of a slot of a day, whose reference days all have one value there."""
    day, _, zone = _target(facts.need("target"))
    clock = time.fromisoformat(facts.need("slot"))
    average = facts.number("ref_average")
    known = {(day - timedelta(days=7 * week), clock): average for week in (1, 2, 3)}
    readings = _history(day, zone, known)
    found = {}
    places = _places(readings.grid, zone, day, clock)
    for name, at in zip(("first", "second"), places, strict=False):
        value = made(estimate("avg_like_day@1", readings, slice(at, at + 1), zone=zone))[0]
        abbreviation = readings.grid.start_of(at).astimezone(zone_of(zone)).strftime("%Z")
        found[f"{name}_{clock:%H%M}_{abbreviation}"] = value
    return found


def _target(text: str) -> tuple[date, time, str]:
    """Return day, clock and zone of a target such as `Tue 2025-06-17 10:00`."""
    pattern = r"(?:(\w{3}) )?(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?(?: (\w+/\S+))?"
    said = words(pattern, text, "target")
    day = date.fromisoformat(said[2])
    _check_weekday(said[1], day)
    return day, time.fromisoformat(said[3] or "00:00"), said[4] or ZONE


def _reference(label: str, target: date) -> date:
    """Return the day of a label such as `Tue 06-10`: the last one before the target."""
    said = words(r"(?:(\w{3}) )?(?:(\d{4})-)?(\d\d)-(\d\d)", label, "a reference")
    found = date(int(said[2] or target.year), int(said[3]), int(said[4]))
    if not said[2] and found > target:
        found = found.replace(year=found.year - 1)
    _check_weekday(said[1], found)
    return found


def _check_weekday(name: str | None, day: date) -> None:
    if name and name != f"{day:%a}":
        raise NotUnderstood(f"{day} is a {day:%a}, not a {name}")


def _history(day: date, zone: str, known: Mapping[tuple[date, time], Decimal]) -> Series:
    """Return five weeks and the day itself, with values only in the slots that are known."""
    grid = Period.days_between(zone, day - _LOOK_BACK, day).grid(_SLOT_MINUTES)
    numbers: list[Decimal | None] = [None] * grid.count
    for (each, clock), value in known.items():
        for at in _places(grid, zone, each, clock):
            numbers[at] = value
    return Series.of(grid, numbers, "kWh")


def _places(grid: Grid, zone: str, day: date, clock: time) -> list[int]:
    """Return where a local slot of a day stands: none, one or two places."""
    local = LocalClock.of(grid, zone)
    minute = clock.hour * 60 + clock.minute
    here = (local.date_ordinal == day.toordinal()) & (local.minute_of_day == minute)
    found = np.flatnonzero(here).tolist()
    if not found:
        raise NotUnderstood(f"there is no {clock:%H:%M} on {day} within {_LOOK_BACK.days} days")
    return found


# -- evidence ------------------------------------------------------------------------------------


def profile(facts: Facts) -> Found:
    """Spread a register's advance by weights."""
    weights = facts.numbers("weights")
    n = len(weights)
    evidence = Evidence(
        shape=Named("profile", series(weights)),
        known=(Known(0, n, facts.number("register"), "register"),),
    )
    values = made(estimate("profile@1", series([None] * n), slice(0, n), evidence))
    return {"values": values, "sum": sum(values, Decimal(0))}


def scada(facts: Facts) -> Found:
    """Turn power samples of a control system into energy."""
    name, _ = facts.matching(r"(mw|kw)_(\d+)min")
    samples = series(facts.numbers(name.string), int(name[2]), {"mw": "MW", "kw": "kW"}[name[1]])
    hole = series([None], facts.minutes())
    return {"kwh": made(estimate("scada@1", hole, _ONE, Evidence(scada=Named("EMS", samples))))[0]}


def node(facts: Facts) -> Found:
    """Find the missing feeder of a node from its incomer and the other feeders."""
    missing = words(r"F(\d+)", facts.need("missing"), "missing")
    feeders = facts.numbers("feeders")
    if int(missing[1]) > len(feeders) + 1:
        raise NotUnderstood(f"{len(feeders)} feeders are given, {missing[0]} is missing")
    flows = [Flow("incomer", series([facts.number("incomer")]), inward=True)]
    flows += [Flow(f"feeder {n}", series([kwh]), False) for n, kwh in enumerate(feeders, 1)]
    place = Node("bus", tuple(flows), loss_pct=facts.number("loss_pct", 0))
    return {"value": made(estimate("node_calc@1", series([None]), _ONE, Evidence(node=place)))[0]}


def state_of_charge(facts: Facts) -> Found:
    """Find the energy of a store from its state of charge."""
    first, last = facts.number("soc_from"), facts.number("soc_to")
    store = Storage(
        Named("BMS", series([Decimal(0), first, last], unit="%")),
        usable_kwh=facts.number("usable_mwh") * 1000,
        charge_ratio=facts.number("eta_charge", 1),
        discharge_ratio=facts.number("eta_discharge", 1),
        counts="CHARGE" if last >= first else "DISCHARGE",
    )
    hole = series([Decimal(0), None, Decimal(0)])
    found = estimate(
        "storage@1", hole, slice(1, 2), Evidence(storage=store), facts={"technology": "BATTERY"}
    )
    return {"kwh": made(found)[0]}


def heat_rate(facts: Facts) -> Found:
    """Find the energy of a gas unit from its fuel."""
    fuel = Fuel(
        Named("gas meter", series([facts.number("mmbtu")], 60, "MMBtu")),
        ((Decimal(0), facts.number("heat_rate_btu_per_kwh")),),
    )
    found = estimate(
        "gas@1", series([None], 60), _ONE, Evidence(fuel=fuel), facts={"technology": "GAS_TURBINE"}
    )
    return {"kwh": made(found)[0]}


KINDS: dict[str, Kind] = {
    "INTERPOLATE": interpolate,
    "INTERPOLATE_ONE_SIDE": interpolate,
    "INTERPOLATE_ROUNDING": interpolate,
    "LIKE_DAY_AVG": like_days,
    "LIKE_DAY_DST": like_day_twice,
    "PROFILE": profile,
    "SCADA": scada,
    "NODE_BALANCE": node,
    "STORAGE_SOC": state_of_charge,
    "GAS_HEAT_RATE": heat_rate,
}
