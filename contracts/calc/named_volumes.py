"""Volumes that a clause names: excuses of the buyer, facts of the month, or figures of lines.

`excused_mwh` is the energy of the events of kind excuse@1 that excuse the buyer; a month in which
none was recorded excuses nothing. Any other volume is stated for the month with the document that
says so (an event of kind month_number@1), or is a figure of a line that was priced before; what
nobody states leaves the amount empty.
"""

from collections.abc import Sequence

from contracts.calc.facts import fact_figure, finding_of, is_stated
from contracts.charges._base import ChargeInputs
from contracts.events import values_of
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import exact_sum
from poweroptix.kernel.units import convert

EXCUSE, EXCUSED = "excuse@1", "excused_mwh"
SAID = {"excused": "what recorded events excuse the buyer of"}


def event_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of events that stand behind the names."""
    return (EXCUSE,) if EXCUSED in names else ()


def month_numbers(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that are stated for the month, where no lower line has them.

    >>> month_numbers(["excused_mwh", "outage_mwh"])
    ('outage_mwh',)
    """
    return tuple(name for name in names if name != EXCUSED)


def named_volume(inputs: ChargeInputs, name: str, unit: str) -> Figure:
    """Return a volume of the month in the quoted unit; empty when nobody states it."""
    if name == EXCUSED:
        return _excused(inputs, unit)
    for line in inputs.lines:
        if name in line.figures and not is_stated(inputs, name):
            source = Source("line", str(line.line_code), f"line {line.line_code}, {line.label}")
            return Figure(name, line.figures[name], unit, source)
    return fact_figure(inputs, name, unit, adds_up=True)


def _excused(inputs: ChargeInputs, unit: str) -> Figure:
    """Return the energy of which the buyer is excused, each event in the month it begins in."""
    start, _ = inputs.window()
    events = [
        one
        for one in inputs.happened(EXCUSE)
        if one.start_utc >= start and values_of(one).excused == "BUYER"
    ]
    energy_mwh = exact_sum([values_of(event).energy_mwh for event in events])
    references = ", ".join(filter(None, (event.reference for event in events)))
    said = f"{len(events)} excuses of {inputs.period.label}"
    source = Source("event", references, said)
    return Figure(EXCUSED, convert(energy_mwh, "MWh", unit), unit, source, note=said)


def total_volume(
    inputs: ChargeInputs, names: Sequence[str], total: str, unit: str
) -> tuple[Figure, tuple[Finding, ...]]:
    """Return the sum of named volumes as one figure, and what keeps it from being known."""
    figures = [named_volume(inputs, name, unit) for name in names]
    found = [finding_of(inputs, figure) for figure in figures]
    missing = tuple(finding for finding in found if finding is not None)
    formula = " + ".join(figure.name for figure in figures) or "0"
    return Figure.computed(total, unit, formula, *figures), missing


def said(names: Sequence[str]) -> list[str]:
    """Return names of volumes as words.

    >>> said(["outage_mwh", "force_majeure_mwh"])
    ['outage', 'force majeure']
    """
    units = ("_mwh", "_kwh", "_mmbtu")
    bare = [next((n.removesuffix(u) for u in units if n.endswith(u)), n) for n in names]
    return [SAID.get(name, name.replace("_", " ")) for name in bare]
