"""V24 Stores: what comes out fits what went in, and the state of charge (vee.md 3.6).

Judged is the discharge channel (direction DELIVERED) beside the charge of the same store, or a NET
channel alone, on which discharge is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from meters.calc.circumstances import Plant, Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, instant, rules, runs
from meters.validation._compare import (
    cleared,
    interval_micro,
    number,
    plain,
    quotient,
    trusted,
    usable,
)
from meters.validation._days import LocalDays, local_days
from meters.validation._plant import first, kind, over, run_findings, wanting
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

STORE = "the discharge of a store in kWh"
CHARGE = "its charge on the same intervals"


class Flows(NamedTuple):
    """Charge and discharge in 10^-6 kWh, zero where `known` is not."""

    charge: np.ndarray
    discharge: np.ndarray
    known: np.ndarray


def _is_store(series: Series, context: ValidationContext) -> bool:
    outward = context.direction in ("DELIVERED", "NET")
    return kind(context) == "STORAGE" and series.unit == "kWh" and outward


def flows(series: Series, context: ValidationContext) -> Flows | None:
    """Return what went into and came out of the store; None without its charge."""
    if context.direction == "NET":
        known = usable(series, context)
        net = cleared(series.values, known)
        return Flows(np.maximum(-net, 0), np.maximum(net, 0), known)
    charge = first(series, context, Relation.CHARGE)
    if charge is None:
        return None
    known = usable(series, context) & trusted(charge.series)
    return Flows(cleared(charge.series.values, known), cleared(series.values, known), known)


def _wanting_flows(series: Series, context: ValidationContext) -> tuple[object, str]:
    net = context.direction == "NET"
    return (series if net else first(series, context, Relation.CHARGE), CHARGE)


@dataclass(frozen=True)
class StorageEfficiencyParameters:
    """Which share of the charge must come out again, over how many days."""

    days: int = param(default=30, unit="days", minimum=1, help="Local days that are summed.")
    min_days: int = param(
        default=28,
        unit="days",
        minimum=1,
        help="A period shorter than that many days is judged as a whole, down to so few.",
    )
    low_ratio: Decimal = param(
        default=Decimal("0.75"),
        unit="ratio",
        minimum=0,
        help="Smallest discharge / charge that passes.",
    )
    high_ratio: Decimal = param(
        default=Decimal("0.95"),
        unit="ratio",
        minimum=0,
        help="Largest discharge / charge that passes.",
    )
    min_cycles: Decimal = param(
        default=Decimal("1"),
        unit="count",
        minimum=0,
        help="Days that move less than this many usable capacities together are not judged.",
    )


@rules.register("storage_efficiency@1")
class StorageEfficiency(BaseRule):
    """Over any 30 local days in a row a store gives back 75 % to 95 % of its charge.

    Judged are days without a gap. A ratio equal to a limit passes. A store that hardly moved is
    not judged: what it holds at the ends would decide. A month of 28 or 29 days is judged whole.
    """

    code = "V24G"
    title = "Round-trip efficiency of a store"
    stage = Stage.PERIOD
    Parameters = StorageEfficiencyParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of store, charge and days."""
        if not _is_store(series, context):
            return STORE
        parameters = context.parameters or StorageEfficiencyParameters()
        least = min(parameters.days, parameters.min_days)
        enough = len(local_days(series.grid, context.zone)) >= least
        return wanting(_wanting_flows(series, context), (enough or None, f"at least {least} days"))

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per run of such ranges that lose too much or too little."""
        if StorageEfficiency.lacks(series, context):
            return []
        parameters = context.parameters or StorageEfficiencyParameters()
        moved, days = flows(series, context), local_days(series.grid, context.zone)
        length = min(parameters.days, len(days))
        charge, discharge, judged = _rolling(moved, days, length)
        usable_kwh = context.circumstances.plant.usable_kwh or Decimal(0)
        floor = Fraction(usable_kwh) * Fraction(parameters.min_cycles) * MICRO
        low, high = Fraction(parameters.low_ratio), Fraction(parameters.high_ratio)
        found = []
        for outside, limit in ((_under, low), (_above, high)):
            bad = np.array(
                [
                    ok and max(given, taken, 1) >= floor and outside(given, taken, limit)
                    for given, taken, ok in zip(discharge, charge, judged, strict=True)
                ],
                dtype=bool,
            )
            for a, b in runs(bad):
                worst = _worst(charge, discharge, a, b, outside is _under)
                at = days.span(a, b - 1 + length)
                found.append(_efficiency(series, worst, at, parameters, limit, length))
        return found


def _under(given: int, taken: int, limit: Fraction) -> bool:
    return given < limit * taken


def _above(given: int, taken: int, limit: Fraction) -> bool:
    return given > limit * taken


def _rolling(
    moved: Flows | None, days: LocalDays, length: int
) -> tuple[list[int], list[int], list[bool]]:
    """Return charge, discharge and whether nothing is missing, of each row of so many days."""
    if moved is None:
        return [], [], []
    rows = []
    for values in (moved.charge, moved.discharge, ~moved.known):
        daily = days.sums(values).astype(object)
        running = np.concatenate(([0], np.cumsum(daily)))
        rows.append([int(each) for each in running[length:] - running[:-length]])
    return rows[0], rows[1], [absent == 0 for absent in rows[2]]


def _worst(
    charge: list[int], discharge: list[int], a: int, b: int, lowest: bool
) -> tuple[int, int]:
    """Return charge and discharge of the worst row; one that charged nothing is worst of all."""

    def ratio(at: int) -> tuple[bool, Fraction]:
        taken = charge[at]
        return (taken == 0, Fraction(discharge[at], taken) if taken else Fraction(discharge[at]))

    at = (min if lowest else max)(range(a, b), key=ratio)
    return charge[at], discharge[at]


def _efficiency(
    series: Series,
    worst: tuple[int, int],
    span: tuple[int, int],
    parameters: StorageEfficiencyParameters,
    limit: Fraction,
    length: int,
) -> Finding:
    taken, given = worst
    ratio = Fraction(given, taken) if taken else None
    share = "" if ratio is None else f" ({plain(ratio * 100):f} %)"
    return Finding(
        "V24G",
        f"Over {length} days {number(given):f} kWh came out of {number(taken):f} kWh of charge"
        f"{share}; believable are {plain(Fraction(parameters.low_ratio) * 100):f} % to "
        f"{plain(Fraction(parameters.high_ratio) * 100):f} %.",
        Severity.HOLD,
        metric=None if ratio is None else quotient(ratio),
        threshold=plain(limit),
        start_utc=instant(series.grid, span[0]),
        end_utc=instant(series.grid, span[1]),
        fix="Compare multipliers and directions of the two channels.",
    )


@dataclass(frozen=True)
class StateOfChargeParameters:
    """How far metered energy may lie from the change of charge."""

    tolerance_pct: Decimal = param(
        default=Decimal("5"),
        unit="%",
        minimum=0,
        help="Largest difference that passes, in percent of the change of what the store holds.",
    )
    min_change_pct: Decimal = param(
        default=Decimal("20"),
        unit="%",
        minimum=0,
        maximum=100,
        help="Smaller changes of the state of charge are not judged: its steps would decide.",
    )


@rules.register("state_of_charge@1")
class StateOfCharge(BaseRule):
    """What flowed into and out of a store is what its state of charge says.

    ``charge x eta_in - discharge / eta_out`` lies within 5 % of change of charge x usable capacity.
    Judged are stretches on which the state of charge goes one way by at least 20 points.
    """

    code = "V24H"
    title = "Energy against state of charge"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = StateOfChargeParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of store, charge, state of charge and its figures."""
        if not _is_store(series, context):
            return STORE
        plant = context.circumstances.plant
        return wanting(
            _wanting_flows(series, context),
            (first(series, context, Relation.STATE_OF_CHARGE), "its state of charge"),
            (plant.usable_kwh or None, "its usable capacity"),
            ((plant.charge_ratio and plant.discharge_ratio) or None, "its efficiency in and out"),
        )

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per stretch on which energy and state of charge disagree."""
        state = first(series, context, Relation.STATE_OF_CHARGE)
        if state is None or StateOfCharge.lacks(series, context):
            return []
        parameters, moved = context.parameters or StateOfChargeParameters(), flows(series, context)
        held, plant = state.series, context.circumstances.plant
        found = []
        for a, b in _stretches(held, moved, parameters.min_change_pct):
            change = _stored(int(held.values[b] - held.values[a]), plant)
            stored = _metered(moved, a, b, plant)
            apart, allowed = abs(stored - change), abs(change) * Fraction(parameters.tolerance_pct)
            if apart * 100 <= allowed:
                continue
            share = apart / abs(change) * 100
            found.append(
                Finding(
                    "V24H",
                    f"{state.code} went from {number(int(held.values[a])):f} % to "
                    f"{number(int(held.values[b])):f} %, a change of {number(change):f} kWh; the "
                    f"meters stored {number(stored):f} kWh: {plain(share):f} % apart (limit "
                    f"{parameters.tolerance_pct:f} %).",
                    Severity.HOLD,
                    metric=quotient(share),
                    threshold=parameters.tolerance_pct,
                    start_utc=instant(series.grid, a),
                    end_utc=instant(series.grid, b),
                    fix="Compare the meters, the state of charge and the usable capacity.",
                )
            )
        return found


def _stretches(held: Series, moved: Flows | None, least: Decimal) -> list[tuple[int, int]]:
    """Return index pairs between which the state of charge goes one way, by at least so much.

    From the state at the start of interval a to that at the start of b; all energy in between is
    known.
    """
    if moved is None or held.grid.count < 2:
        return []
    whole = trusted(held)
    step = np.diff(np.where(whole, held.values, 0))
    fit = whole[1:] & whole[:-1] & moved.known[:-1]
    floor = Fraction(least) * MICRO
    found = []
    for way in (step >= 0, step <= 0):
        for a, b in runs(way & fit):
            if abs(int(held.values[b]) - int(held.values[a])) >= max(floor, 1):
                found.append((a, b))
    return sorted(found)


def _stored(points_micro: int, plant: Plant) -> Fraction:
    """Return the energy (10^-6 kWh) behind a change of the state of charge (10^-6 %)."""
    return Fraction(points_micro, 100) * Fraction(plant.usable_kwh or 0)


def _metered(moved: Flows | None, a: int, b: int, plant: Plant) -> Fraction:
    """Return what the metered flows stored, in 10^-6 kWh."""
    if moved is None or not plant.charge_ratio or not plant.discharge_ratio:
        return Fraction(0)
    taken = int(moved.charge[a:b].sum(dtype=object))
    given = int(moved.discharge[a:b].sum(dtype=object))
    return taken * Fraction(plant.charge_ratio) - given / Fraction(plant.discharge_ratio)


@dataclass(frozen=True)
class BothWaysParameters:
    """What counts as charging and discharging."""

    min_ratio: Decimal = param(
        default=Decimal("0.01"),
        unit="ratio",
        minimum=0,
        maximum=1,
        help="Above this share of the rating a store charges, or discharges.",
    )


@rules.register("both_ways@1")
class BothWays(BaseRule):
    """In one interval a store charges or discharges, not both above 1 % of its rating."""

    code = "V24I"
    title = "Store charging and discharging at once"
    stage = Stage.CROSS
    Parameters = BothWaysParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of store, charge and rating."""
        if not _is_store(series, context) or context.direction == "NET":
            return STORE
        return wanting(
            _wanting_flows(series, context), (context.capacity_kw, "the rating of the store")
        )

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals that show both."""
        if context.capacity_kw is None or BothWays.lacks(series, context):
            return []
        moved = flows(series, context)
        if moved is None:
            return []
        parameters = context.parameters or BothWaysParameters()
        limit = interval_micro(series, context.capacity_kw) * Fraction(parameters.min_ratio)
        bad = over(moved.discharge, limit, over(moved.charge, limit, moved.known))
        return run_findings(
            "V24I",
            series,
            bad,
            lambda most, a, b: (
                f"Up to {most:f} kWh came out while up to "
                f"{number(int(moved.charge[a:b].max())):f} kWh went in; above "
                f"{number(limit):f} kWh only one of them may flow."
            ),
            limit,
            Severity.WARN,
            "Check whether the store turned round within the interval, or a channel is doubled.",
        )
