"""V24 Stores: what flowed fits the state of charge (vee.md 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import numpy as np

from meters.calc.circumstances import Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import number, plain, quotient, trusted
from meters.validation._plant import first, wanting
from meters.validation._ranges import finding
from meters.validation._store import STORE, Flows, charge_wanted, flows, is_store
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series


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
    measures = "Apart from the state of charge"
    measured_in = "%"
    stage = Stage.CROSS
    after_estimates = True
    Parameters = StateOfChargeParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return what is missing of store, charge, state of charge and its figures."""
        if not is_store(series, context):
            return STORE
        plant = context.circumstances.plant
        return wanting(
            charge_wanted(series, context),
            (first(series, context, Relation.STATE_OF_CHARGE), "its state of charge"),
            (plant.usable_kwh or None, "its usable capacity"),
            ((plant.charge_ratio and plant.discharge_ratio) or None, "its efficiency in and out"),
        )

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per stretch on which energy and state of charge disagree."""
        if StateOfCharge.lacks(series, context):
            return []
        state, moved = first(series, context, Relation.STATE_OF_CHARGE), flows(series, context)
        if state is None or moved is None:
            return []
        parameters = context.parameters or StateOfChargeParameters()
        tolerance, store = Fraction(parameters.tolerance_pct), _Store.of(context)
        taken, given = _running(moved.charge), _running(moved.discharge)
        level, found = state.series.values, []
        for a, b in _stretches(state.series, moved, parameters.min_change_pct):
            change = int(level[b] - level[a]) * store.points
            stored = (int(taken[b]) - int(taken[a])) * store.charge
            stored -= (int(given[b]) - int(given[a])) * store.discharge
            apart = abs(stored - change) * 100
            if apart * tolerance.denominator <= abs(change) * tolerance.numerator:
                continue
            share = Fraction(apart, abs(change))
            words = (
                f"{state.code} went from {number(int(level[a])):f} % to {number(int(level[b])):f} "
                f"%, a change of {number(Fraction(change, store.parts)):,f} kWh; the meters stored "
                f"{number(Fraction(stored, store.parts)):,f} kWh: {plain(share):,f} % apart (limit "
                f"{parameters.tolerance_pct:,f} %)."
            )
            found.append(
                finding(
                    "V24H",
                    Severity.HOLD,
                    series.grid,
                    (a, b),
                    words,
                    "Compare the meters, the state of charge and the usable capacity.",
                    quotient(share),
                    parameters.tolerance_pct,
                )
            )
        return found


def _stretches(held: Series, moved: Flows, least: Decimal) -> list[tuple[int, int]]:
    """Return index pairs between which the state of charge goes one way, by at least so much.

    From the state at the start of interval a to that at the start of b; all energy in between is
    known.
    """
    if held.grid.count < 2:
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


class _Store(NamedTuple):
    """What flows and points of charge are worth inside the store, in whole parts of a unit."""

    charge: int
    discharge: int
    points: int
    parts: int

    @classmethod
    def of(cls, context: ValidationContext) -> _Store:
        """Return it from the plant's efficiencies and usable capacity, which must be known."""
        plant = context.circumstances.plant
        worth = (
            Fraction(plant.charge_ratio or 0),
            1 / Fraction(plant.discharge_ratio or 1),
            Fraction(plant.usable_kwh or 0) / 100,
        )
        parts = lcm(*(each.denominator for each in worth))
        return cls(*(int(each * parts) for each in worth), parts)


def _running(values: np.ndarray) -> np.ndarray:
    """Return the exact sum of all values before each index."""
    fits = int(values.max()) * len(values) < 2**62
    whole = values if fits else values.astype(object)
    return np.concatenate(([0], np.cumsum(whole)))
