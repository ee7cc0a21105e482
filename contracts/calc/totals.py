"""Sums of a named quantity as figures with their source, and what is missing to them."""

from datetime import datetime
from decimal import Decimal

from contracts.calc.energy import missing_finding
from contracts.charges._base import ChargeInputs
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series

MWH_PLACES = 3


def in_unit(inputs: ChargeInputs, name: str, unit: str) -> Series:
    """Return a quantity of the days in force. Refused when it is in another unit."""
    series = inputs.named(name)
    if series.unit != unit:
        text = f"{inputs.term.label}: '{name}' is in {series.unit}, the charge needs {unit}"
        raise Refused("contracts.unit_mismatch", text)
    return series


def readings_source(name: str, series: Series, what: str = "") -> Source:
    """Evidence of a sum of readings; `what` says it where it is more than the quantity."""
    label = f"{what or name}, {series.grid.count} intervals of {series.grid.minutes} minutes"
    return Source("readings", series.digest(), label, {"quantity": name})


def total(
    inputs: ChargeInputs,
    name: str,
    unit: str,
    figure: str,
    span: tuple[datetime, datetime] | None = None,
) -> Figure:
    """Return the sum of a quantity over the days in force, or over a part of them.

    The value is None while a reading is missing.
    """
    series = in_unit(inputs, name, unit)
    if span is not None:
        series = series.slice(*span)
    source = readings_source(name, series)
    if series.missing_count:
        return Figure(figure, None, unit, source, note="a reading is missing")
    return Figure(figure, from_micro(exact.total(series.values)), unit, source)


def total_mwh(
    inputs: ChargeInputs,
    name: str,
    figure: str,
    span: tuple[datetime, datetime] | None = None,
    places: int = MWH_PLACES,
) -> Figure:
    """Return the sum of an energy in MWh, rounded once."""
    raw = total(inputs, name, "kWh", f"{figure}_kwh", span)
    return Figure.computed(
        f"{figure}_mwh", "MWh", f"{raw.name} / 1000", raw, round_to=(places, Mode.HALF_UP)
    )


def gaps(inputs: ChargeInputs, *names: str) -> list[Finding]:
    """Return a blocking finding per quantity that has missing readings."""
    found = (missing_finding(inputs, inputs.named(name), name=name) for name in names)
    return [finding for finding in found if finding is not None]


def stated(inputs: ChargeInputs, name: str, value: Decimal, unit: str, what: str = "") -> Figure:
    """Return a figure that the term states."""
    return Figure(name, value, unit, inputs.term.source(what or name.replace("_", " ")))


def once(inputs: ChargeInputs, what: str) -> Figure:
    """Return the quantity of a row whose amount is one figure."""
    return Figure("times", Decimal(1), "count", inputs.term.source(what))
