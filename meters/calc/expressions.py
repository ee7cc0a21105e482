"""One line of arithmetic over channels, interval by interval: `+GEN1 - AUX1`, `max(0, -NET)`.

The language is that of formulas (`poweroptix.kernel.formula`). A result is missing where a term is
missing, and never surer than its worst term. It is rounded half-even to 10^-6 of its unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import lcm

import numpy as np

from meters.calc.resolution import change_length
from meters.calc.whole import in_whole_numbers
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, micro
from poweroptix.kernel.formula import names_in, prepare
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

PLACES = 6


@dataclass(frozen=True)
class Fault:
    """An interval that an expression has no value for, though all its terms have one."""

    start_utc: datetime
    message: str


def compute(
    formula: str,
    terms: Mapping[str, Series],
    *,
    minutes: int | None = None,
    unit: str | None = None,
    split: bool = False,
    faults: list[Fault] | None = None,
) -> Series:
    """Return the formula over the series its names stand for.

    `minutes`: interval length of the result; otherwise the finest that every term can be summed to.
    A term with longer intervals is cut into equal parts only if `split` says so. `unit`: that of
    the result; otherwise that of the terms, which then must be one. Raises Refused
    `expression.no_term`, `expression.range`, `expression.units`, `expression.split`, and what a
    formula refuses; a division by zero names the interval. With `faults` an interval that cannot
    be computed is missing instead, and its fault is added to them.

    >>> from datetime import UTC, datetime
    >>> from decimal import Decimal
    >>> grid = Grid(datetime(2026, 3, 2, tzinfo=UTC), 15, 2)
    >>> gross = Series.of(grid, [Decimal(12500), None], "kWh")
    >>> aux = Series.of(grid, [Decimal(640), Decimal(85)], "kWh")
    >>> compute("+GROSS - AUX", {"GROSS": gross, "AUX": aux}).decimals()
    [Decimal('11860'), None]
    """
    function = prepare(formula, terms.keys())
    names = names_in(formula)
    if not names:
        text = f"{formula!r} names no channel; a virtual channel needs at least one."
        raise Refused("expression.no_term", text)
    length = minutes or lcm(*(terms[name].grid.minutes for name in names))
    used = {name: _at_length(name, terms[name], length, split) for name in names}
    grid = _common_grid(used)
    result_unit = unit or _common_unit(formula, used)
    absent = np.any([series.missing for series in used.values()], axis=0)
    status = np.max([series.status for series in used.values()], axis=0)
    columns = {name: series.values for name, series in used.items()}
    values = in_whole_numbers(formula, columns, ~absent)
    if values is None:
        columns = {name: series.decimals() for name, series in used.items()}
        values = _one_by_one(formula, function, columns, np.flatnonzero(~absent), grid, faults)
    absent = values == MISSING
    return Series(grid, values, np.where(absent, Status.MISSING, status), result_unit)


def _one_by_one(
    formula: str,
    function: Callable[[Mapping[str, Decimal | None], str], Decimal],
    columns: Mapping[str, list[Decimal | None]],
    present: np.ndarray,
    grid: Grid,
    faults: list[Fault] | None,
) -> np.ndarray:
    """Return the formula in each interval that has all its terms; 10^-6 of the unit."""
    values = np.full(grid.count, MISSING, dtype=np.int64)
    for index in present.tolist():
        row = {name: column[index] for name, column in columns.items()}
        where = f"{formula!r} at {grid.start_of(index):%Y-%m-%dT%H:%MZ}"
        try:
            values[index] = micro(to_places(function(row, where), PLACES, Mode.HALF_EVEN))
        except Refused as refused:
            if faults is None:
                raise
            faults.append(Fault(grid.start_of(index), refused.message))
    return values


def _at_length(name: str, series: Series, minutes: int, split: bool) -> Series:
    """Return a term with the interval length of the result."""
    if series.grid.minutes > minutes and not split:
        text = (
            f"{name} has {series.grid.minutes}-minute intervals, the result {minutes}; let it be "
            "cut into equal parts, or make the result as long."
        )
        raise Refused("expression.split", text, name=name)
    changed = change_length(series, minutes)
    if series.grid.minutes < minutes:
        return changed
    # Equal parts are calculated, but no surer than what they are parts of.
    worse = np.repeat(series.status, series.grid.minutes // minutes)
    return Series(changed.grid, changed.values, np.maximum(changed.status, worse), changed.unit)


def _common_grid(terms: Mapping[str, Series]) -> Grid:
    """Return the grid of all terms; Refused when one covers another range."""
    (first, series), *others = terms.items()
    for name, other in others:
        if other.grid != series.grid:
            text = (
                f"{name} covers {_range(other.grid)}, {first} covers {_range(series.grid)}; "
                "take the same range of both."
            )
            raise Refused("expression.range", text, name=name)
    return series.grid


def _common_unit(formula: str, terms: Mapping[str, Series]) -> str:
    units = sorted({series.unit for series in terms.values()})
    if len(units) > 1:
        text = f"{formula!r} mixes {', '.join(units)}; say the unit of the result."
        raise Refused("expression.units", text)
    return units[0]


def _range(grid: Grid) -> str:
    return f"{grid.start_utc:%Y-%m-%dT%H:%MZ} to {grid.end_utc:%Y-%m-%dT%H:%MZ}"
