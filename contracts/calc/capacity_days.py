"""Capacity by days: which kW held how long, and what of them is billed."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from contracts.calc.days import days_figure, in_month
from contracts.charges._base import ChargeInputs
from contracts.events import values_of
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.period import zone_of

TEST = "capacity_test@1"


def tested(inputs: ChargeInputs) -> list[tuple[date, Figure]]:
    """Return the tested capacities with the local day from which each counts, in order."""
    zone = zone_of(inputs.zone)
    return [
        (
            event.start_utc.astimezone(zone).date(),
            Figure("capacity_kw", values_of(event).capacity_kw, "kW", event.source("capacity")),
        )
        for event in inputs.happened(TEST)
    ]


def held(
    inputs: ChargeInputs, first: Figure, steps: Iterable[tuple[date, Figure]]
) -> list[tuple[Figure, int]]:
    """Return the capacities of the period in order, each with its number of days in force."""
    steps = list(steps)
    counted: dict[Decimal | None, tuple[Figure, int]] = {}
    for day in inputs.days_in_force():
        now = first
        for start, capacity in steps:
            if start <= day:
                now = capacity
        figure, days = counted.get(now.value, (now, 0))
        counted[now.value] = (figure, days + 1)
    return list(counted.values())


def billed(
    inputs: ChargeInputs, capacity: Figure, factors: Sequence[Figure], days: int
) -> tuple[Figure, int]:
    """Return what is priced and its divisor: kW of the month, or kW-days over its days."""
    parts = [capacity, *factors]
    month_days = in_month(inputs)[1]
    whole = days == month_days
    if not whole:
        parts.append(days_figure(inputs, days))
    unit = "kW" if whole else "kW-day"
    if any(part.value is None for part in parts):
        return Figure("billed_kw", None, unit, note="a figure is missing"), 1
    if len(parts) == 1:
        return parts[0], 1
    formula = " * ".join(part.name for part in parts)
    name = "billed_kw" if whole else "billed_kw_days"
    return Figure.computed(name, unit, formula, *parts), 1 if whole else month_days
