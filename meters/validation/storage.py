"""V24 Stores: what comes out fits what went in, and never both at once (vee.md 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.validation._base import OWN_UNIT, BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import interval_micro, number, plain, quotient
from meters.validation._days import LocalDays, local_days
from meters.validation._plant import over, run_findings, wanting
from meters.validation._ranges import finding
from meters.validation._store import STORE, Flows, charge_wanted, flows, is_store
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


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
    measures = "Discharge for each kWh of charge"
    measured_in = "kWh"
    stage = Stage.PERIOD
    Parameters = StorageEfficiencyParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of store, charge and days."""
        if not is_store(series, context):
            return STORE
        parameters = context.parameters or StorageEfficiencyParameters()
        least = min(parameters.days, parameters.min_days)
        enough = len(local_days(series.grid, context.zone)) >= least
        return wanting(charge_wanted(series, context), (enough or None, f"at least {least} days"))

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
    share = "" if ratio is None else f" ({plain(ratio * 100):,f} %)"
    return finding(
        "V24G",
        Severity.HOLD,
        series.grid,
        span,
        f"Over {length} days {number(given):,f} kWh came out of {number(taken):,f} kWh of charge"
        f"{share}; believable are {plain(Fraction(parameters.low_ratio) * 100):,f} % to "
        f"{plain(Fraction(parameters.high_ratio) * 100):,f} %.",
        "Compare multipliers and directions of the two channels.",
        None if ratio is None else quotient(ratio),
        plain(limit),
    )


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
    measures = "Highest reading"
    measured_in = OWN_UNIT
    stage = Stage.CROSS
    after_estimates = True
    Parameters = BothWaysParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of store, charge and rating."""
        if not is_store(series, context) or context.direction == "NET":
            return STORE
        return wanting(
            charge_wanted(series, context), (context.capacity_kw, "the rating of the store")
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
                f"Up to {most:,f} kWh came out while up to "
                f"{number(int(moved.charge[a:b].max())):,f} kWh went in; above "
                f"{number(limit):,f} kWh only one of them may flow."
            ),
            limit,
            Severity.WARN,
            "Check whether the store turned round within the interval, or a channel is doubled.",
        )
