"""Volumes that a clause names: facts of the month, or figures of lines priced before.

Excused and deemed energy are stated for a month with a reason; make-up energy is a figure of the
take-or-pay line. What nobody states leaves the amount empty, it is never taken as nothing.
"""

from collections.abc import Sequence

from contracts.calc.facts import fact_figure, finding_of
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding


def named_volume(inputs: ChargeInputs, name: str, unit: str) -> Figure:
    """Return a volume of the month in the quoted unit; empty when nobody states it."""
    for line in inputs.lines:
        if name in line.figures and name not in inputs.facts:
            source = Source("line", str(line.line_code), f"line {line.line_code}, {line.label}")
            return Figure(name, line.figures[name], unit, source)
    return fact_figure(inputs, name, unit)


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
    return [name.replace("_", " ") for name in bare]
