"""Energy that an order kept from being delivered: potential less metered, interval by interval.

An interval is ordered when an order holds at its start, as the start of an interval decides its
month and its price everywhere.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from contracts.calc.totals import in_unit, readings_source
from contracts.charges._base import ChargeInputs
from contracts.events import values_of
from poweroptix.kernel import exact
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series

ORDER = "curtailment@1"


@dataclass(frozen=True)
class Deemed:
    """Deemed energy per interval in 10^-6 kWh, zero outside orders; which were ordered.

    `missing` are the ordered intervals that lack a reading.
    """

    grid: Grid
    values: np.ndarray
    ordered: np.ndarray
    missing: np.ndarray
    potential: Series


def deemed(
    inputs: ChargeInputs, potential: str, ordered_by: str, span: tuple[datetime, datetime]
) -> Deemed:
    """Return the deemed energy of [start, end), on the coarser of the two grids."""
    could = in_unit(inputs, potential, "kWh").slice(*span)
    did = in_unit(inputs, inputs.term.quantity_name, "kWh").slice(*span)
    minutes = max(could.grid.minutes, did.grid.minutes)
    could, did = could.to_minutes(minutes), did.to_minutes(minutes)
    ordered = np.zeros(could.grid.count, dtype=bool)
    starts = could.grid.epoch_minutes() * 60
    for event in inputs.happened(ORDER):
        if ordered_by == "BUYER" and values_of(event).ordered_by != "BUYER":
            continue
        first, last = (moment.timestamp() for moment in (event.start_utc, event.end_utc))
        ordered |= (starts >= first) & (starts < last)
    missing = ordered & (could.missing | did.missing)
    chosen = ordered & ~missing
    values = np.zeros(could.grid.count, dtype=np.int64)
    values[chosen] = np.maximum(could.values[chosen] - did.values[chosen], 0)
    return Deemed(could.grid, values, ordered, missing, could)


def deemed_mwh(inputs: ChargeInputs, potential: str, found: Deemed) -> Figure:
    """Return deemed energy in MWh; empty while a reading is missing."""
    what = f"{potential} less {inputs.term.quantity_name}"
    source = readings_source(potential, found.potential, what)
    total = None if found.missing.any() else from_micro(exact.total(found.values))
    raw = Figure("deemed_kwh", total, "kWh", source)
    return Figure.computed("deemed_mwh", "MWh", "deemed_kwh / 1000", raw)


def gap(inputs: ChargeInputs, found: Deemed, potential: str) -> list[Finding]:
    """Return a blocking finding when ordered intervals lack a reading."""
    absent = np.flatnonzero(found.missing)
    if not absent.size:
        return []
    first = found.grid.start_of(int(absent[0]))
    return [
        Finding(
            "contracts.potential_missing",
            f"'{potential}' or '{inputs.term.quantity_name}' has no value in {absent.size} "
            f"curtailed intervals, the first begins {first:%Y-%m-%d %H:%M} UTC",
            where=f"{inputs.term.contract} line {inputs.term.line_code}",
            start_utc=first,
            end_utc=found.grid.start_of(int(absent[-1]) + 1),
            fix="Bring in the potential and the metered energy, then calculate again.",
        )
    ]
