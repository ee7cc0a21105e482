"""What a generating unit did in a range: output, capacity factor, availability, heat rate, starts.

Every figure is exact or absent: when a reading that it needs is missing it says which share, never
a partial sum. Net generation is the generator's delivered energy less what it drew and less the
auxiliaries metered for it; of a battery it is the discharge. Heat rate is fuel energy (higher
heating value, as metered in MMBtu) over net generation. 1 Btu = 1055.05585262 J (International
Table, ISO 31-4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.availability import Outage, availability_ratio
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.series import Series

BTU_PER_MMBTU = 1_000_000
GJ_PER_MMBTU = Fraction("1.05505585262")


@dataclass(frozen=True)
class Figure:
    """A number, or why there is none: the share of its readings that is missing, or words."""

    value: Fraction | None
    missing_ratio: Fraction | None = None
    why: str = ""


@dataclass(frozen=True)
class Flow:
    """A channel's readings in the range, and what they are to the unit."""

    code: str
    series: Series


@dataclass(frozen=True)
class UnitInputs:
    """All that is read of one unit for [start, end), which lies inside its time in service.

    `capacity` are nameplates in kW with the instant each begins, the first at or before `start`.
    `fuel_with` names units behind the same fuel meter; `fuel_why` says why there is no fuel.
    `was_running` is the state just before the range, None when unknown.
    """

    code: str
    vendor: str
    technology: str
    start_utc: datetime
    end_utc: datetime
    capacity: Sequence[tuple[datetime, Decimal]]
    gross: Sequence[Flow]
    drawn: Sequence[Flow]
    fuel: Sequence[Flow]
    burns_fuel: bool
    fuel_with: Sequence[str]
    outages: Sequence[Outage]
    counts_starts: bool
    was_running: bool | None


@dataclass(frozen=True)
class Performance:
    """The figures of a unit or of all units of a vendor; `hours` are unit hours in service."""

    code: str
    vendor: str
    hours: Fraction
    available_hours: Fraction
    capacity_kwh: Fraction
    output_kwh: Figure
    fuel_mmbtu: Figure
    starts: Figure
    heat_output_kwh: Figure

    @property
    def availability(self) -> Figure:
        """Return available hours over hours in service."""
        return Figure(self.available_hours / self.hours)

    @property
    def capacity_factor(self) -> Figure:
        """Return the output over what the nameplate in force would have made."""
        return _over(self.output_kwh, Fraction(self.capacity_kwh))

    @property
    def heat_rate_btu(self) -> Figure:
        """Return the heat rate in Btu/kWh (higher heating value)."""
        return self._heat_rate(Fraction(BTU_PER_MMBTU))

    @property
    def heat_rate_gj(self) -> Figure:
        """Return the heat rate in GJ/MWh (higher heating value)."""
        return self._heat_rate(GJ_PER_MMBTU * 1000)

    def _heat_rate(self, scale: Fraction) -> Figure:
        for part in (self.fuel_mmbtu, self.heat_output_kwh):
            if part.value is None:
                return part
        if self.heat_output_kwh.value <= 0:
            return Figure(None, why="no net generation")
        return Figure(self.fuel_mmbtu.value * scale / self.heat_output_kwh.value)


def performance(unit: UnitInputs) -> Performance:
    """Return the figures of one unit."""
    output = _net(unit)
    fuel = Figure(None, why="shared fuel meter") if unit.fuel_with else fuel_of(unit)
    hours = _hours(unit.start_utc, unit.end_utc)
    return Performance(
        unit.code,
        unit.vendor,
        hours,
        hours * availability_ratio(unit.outages, unit.start_utc, unit.end_utc),
        capacity_kwh(unit.capacity, unit.start_utc, unit.end_utc),
        output,
        fuel,
        starts(unit),
        output,
    )


def of_vendor(vendor: str, units: Sequence[UnitInputs]) -> Performance:
    """Return the figures of all units of a vendor; shared fuel meters count once.

    Absent where the figure of one unit is absent; the words name that unit.
    """
    rows = [performance(unit) for unit in units]
    burning = [unit for unit in units if unit.burns_fuel]
    metered: dict[str, Flow] = {flow.code: flow for unit in burning for flow in unit.fuel}
    without = [unit for unit in burning if not unit.fuel]
    if without:
        fuel = Figure(None, why=f"{without[0].code} has no fuel meter")
    elif not burning:
        fuel = Figure(None, why="no fuel")
    else:
        fuel = _sum(metered.values())
    counted = [row for unit, row in zip(units, rows, strict=True) if unit.counts_starts]
    heated = [row for unit, row in zip(units, rows, strict=True) if unit.burns_fuel]
    return Performance(
        vendor,
        vendor,
        sum((row.hours for row in rows), Fraction(0)),
        sum((row.available_hours for row in rows), Fraction(0)),
        sum((row.capacity_kwh for row in rows), Fraction(0)),
        _together([(row.code, row.output_kwh) for row in rows]),
        fuel,
        _together([(row.code, row.starts) for row in counted])
        if counted
        else Figure(None, why="not counted"),
        _together([(row.code, row.output_kwh) for row in heated]),
    )


def capacity_kwh(
    capacity: Sequence[tuple[datetime, Decimal]], start: datetime, end: datetime
) -> Fraction:
    """Return what the nameplates in force would make in [start, end) at full load, kWh."""
    ends = [*(begin for begin, _kw in capacity[1:]), end]
    made = Fraction(0)
    for (begin, kw), stop in zip(capacity, ends, strict=True):
        first, last = max(begin, start), min(stop, end)
        if last > first:
            made += Fraction(kw) * _hours(first, last)
    return made


def fuel_of(unit: UnitInputs) -> Figure:
    """Return the fuel energy of a unit's own meters, MMBtu."""
    if not unit.burns_fuel:
        return Figure(None, why="no fuel")
    return _sum(unit.fuel) if unit.fuel else Figure(None, why="no fuel meter")


def starts(unit: UnitInputs) -> Figure:
    """Count the intervals with output that follow one without.

    An interval runs when a generator channel delivers more than zero. The first interval counts
    only when the one before the range is known to have stood still.
    """
    if not unit.counts_starts:
        return Figure(None, why="not counted")
    if not unit.gross:
        return Figure(None, why="no channel")
    missing = missing_of(unit.gross)
    if missing:
        return Figure(None, missing)
    first = unit.gross[0].series.grid
    if any(flow.series.grid != first for flow in unit.gross):
        return Figure(None, why="channels differ in interval length")
    running = np.zeros(first.count, bool)
    for flow in unit.gross:
        running |= flow.series.values > 0
    count = int((running[1:] & ~running[:-1]).sum())
    if first.count and running[0] and unit.was_running is False:
        count += 1
    return Figure(Fraction(count))


def missing_of(flows: Iterable[Flow]) -> Fraction:
    """Return the share of intervals without a value."""
    rows = [flow.series for flow in flows]
    whole = sum(one.grid.count for one in rows)
    return Fraction(sum(one.missing_count for one in rows), whole) if whole else Fraction(0)


def was_running(series: Iterable[Series]) -> bool | None:
    """Return whether the last interval of any series delivered; None when one is unknown."""
    last = [int(one.values[-1]) for one in series if one.grid.count]
    return None if not last or MISSING in last else any(value > 0 for value in last)


def _net(unit: UnitInputs) -> Figure:
    if not unit.gross:
        return Figure(None, why="no channel")
    missing = missing_of([*unit.gross, *unit.drawn])
    if missing:
        return Figure(None, missing)
    drawn = _sum(unit.drawn).value or Fraction(0)
    return Figure((_sum(unit.gross).value or Fraction(0)) - drawn)


def _sum(flows: Iterable[Flow]) -> Figure:
    rows = list(flows)
    missing = missing_of(rows)
    if missing:
        return Figure(None, missing)
    return Figure(sum((Fraction(row.series.total()) for row in rows), Fraction(0)))


def _over(figure: Figure, whole: Fraction) -> Figure:
    if figure.value is None:
        return figure
    return Figure(figure.value / whole) if whole else Figure(None, why="no capacity")


def _together(parts: Sequence[tuple[str, Figure]]) -> Figure:
    for code, part in parts:
        if part.value is None:
            return Figure(None, part.missing_ratio, part.why and f"{code}: {part.why}")
    return Figure(sum((part.value for _code, part in parts if part.value is not None), Fraction(0)))


def _hours(start: datetime, end: datetime) -> Fraction:
    return Fraction((end - start) // timedelta(microseconds=1), 3_600_000_000)
