"""Named numbers of a contract or of a month, read with their source.

A number of the month (an event of kind month_number@1) comes before the one that the contract
version states for all its months: one for the line of the term, then one for every line.
"""

from contracts.charges._base import ChargeInputs
from contracts.events import MONTH_NUMBER, Event, values_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.plain import plain_decimal

WHOLE_MONTH = "it is stated for the whole month"


def fact_figure(inputs: ChargeInputs, name: str, unit: str, *, adds_up: bool = False) -> Figure:
    """Return the fact as a figure; empty when the month does not have it, never a default.

    `adds_up` is for volumes and hours: where the version holds on a part of the month only, one
    that is stated for the whole month cannot be said to lie in it. Refused when the number is no
    plain decimal, or is stated for other days than the month or those of the version.
    """
    event = _of_month(inputs, name)
    if event is not None:
        return _stated(inputs, event, name, unit, adds_up)
    source = Source("contract", inputs.term.contract, f"{name} of {inputs.period.label}")
    text = inputs.facts.get(name)
    if text is None:
        return Figure(name, None, unit, source, note=_nobody(name))
    value = plain_decimal(text)
    if value is None:
        raise Refused("contracts.fact", f"{name}: '{text}' is not a plain decimal number")
    return Figure(name, value, unit, source)


def is_stated(inputs: ChargeInputs, name: str) -> bool:
    """Say whether the month or the contract version states a number of that name."""
    return name in inputs.facts or _of_month(inputs, name) is not None


def finding_of(inputs: ChargeInputs, figure: Figure | None) -> Finding | None:
    """Return a blocking finding for a fact that is not known."""
    if figure is None or figure.value is not None:
        return None
    label = inputs.period.label
    text = f"{figure.name} of {label} is not known"
    if figure.note and figure.note != _nobody(figure.name):
        text += f": {figure.note}"
    return Finding(
        "contracts.fact_missing",
        text,
        where=f"{inputs.term.contract} line {inputs.term.line_code}",
        fix=f"Enter {figure.name} for {label} as a number of the month, an event of the contract.",
    )


def _nobody(name: str) -> str:
    return f"{name} is not known"


def _of_month(inputs: ChargeInputs, name: str) -> Event | None:
    """Return the number that was stated for the days in force, the one for the line first."""
    found = {
        values_of(one).line_code: one
        for one in inputs.happened(MONTH_NUMBER)
        if one.values.get("name") == name
    }
    return found.get(inputs.term.line_code, found.get(None))


def _stated(inputs: ChargeInputs, event: Event, name: str, unit: str, adds_up: bool) -> Figure:
    values, said = values_of(event), (event.start_utc, event.end_utc)
    source = event.source(f"{name}, {values.document}")
    if said == inputs.window() or (said == _month(inputs) and not adds_up):
        return Figure(name, values.number, unit, source)
    days = inputs.days_in_force()
    wanted = f"{days[0]} to {days[-1]}, the days of version {inputs.term.version}"
    if said == _month(inputs):
        note = f"{WHOLE_MONTH}; state it for {wanted}"
        return Figure(name, None, unit, source, note=note)
    raise Refused(
        "contracts.month_number",
        f"{name} is stated for {event.start_utc:%Y-%m-%d %H:%M} to "
        f"{event.end_utc:%Y-%m-%d %H:%M} UTC; state it for {inputs.period.label} or for {wanted}",
    )


def _month(inputs: ChargeInputs) -> tuple:
    return inputs.period.start_utc, inputs.period.end_utc
