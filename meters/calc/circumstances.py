"""What may be known beside a series when rules judge it: other channels, registers, clocks, plant.

Everything that is a series lies on the grid of the judged one; index ranges are those of that grid,
first included, end not. What is not known stays at its default, and a rule that needs it then says
so (`Rule.lacks`). Twin of `meters.calc.evidence`, which serves estimates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from poweroptix.kernel.series import Series


class Relation(StrEnum):
    """What another channel is to the judged one."""

    ACTIVE = "ACTIVE"  # energy of the same point and direction, kWh
    REACTIVE = "REACTIVE"  # the same, kVArh
    APPARENT = "APPARENT"  # the same, kVAh
    RETURNED = "RETURNED"  # energy that the same load gives while it takes none, kWh
    CHECK = "CHECK"  # check or backup meter of the same quantity and direction
    SCADA = "SCADA"  # the control system's figure of the same quantity and direction
    GROSS = "GROSS"  # gross generation of the unit
    AUXILIARY = "AUXILIARY"  # its own consumption
    CHARGE = "CHARGE"  # into the store
    DISCHARGE = "DISCHARGE"  # out of the store
    STATE_OF_CHARGE = "STATE_OF_CHARGE"  # pct, at the start of the interval
    FUEL = "FUEL"  # MMBtu, higher heating value
    IRRADIANCE = "IRRADIANCE"  # W/m2, mean of the interval
    SUN_ELEVATION = "SUN_ELEVATION"  # deg, middle of the interval
    WIND_SPEED = "WIND_SPEED"  # m/s at the nacelle, mean of the interval
    RUNNING = "RUNNING"  # 0: all machines stopped, or the breaker open


@dataclass(frozen=True)
class Companion:
    """Another channel beside the judged one, on the same grid.

    Fuel may lie on longer intervals over the same range, as it is metered.
    """

    relation: Relation
    code: str
    series: Series


@dataclass(frozen=True)
class RegisterAdvance:
    """What a register advanced between two consecutive exact reads of one installation.

    `energy`: difference x multiplier, in the unit of the channel. `unit_energy`: the last
    transmitted digit x multiplier. `skew_s`: seconds by which the reads miss the intervals' edges.
    `bucket`: the time-of-use period that the register counts; empty for the total register.
    `decimals`: of the first and the last read, where known.
    """

    start_utc: datetime
    end_utc: datetime
    energy: Decimal
    unit_energy: Decimal
    skew_s: int = 0
    rolled_over: bool = False
    source: str = ""
    bucket: str = ""
    decimals: tuple[int, int] | None = None


@dataclass(frozen=True)
class ClockCheck:
    """A meter clock beside a reference, at a collection. `drift_s`: meter less reference."""

    at_utc: datetime
    drift_s: Decimal
    source: str = ""


@dataclass(frozen=True)
class Capacity:
    """The capacity of a point from an instant on (phased commissioning), until the next step."""

    from_utc: datetime
    capacity_kw: Decimal


@dataclass(frozen=True)
class Plant:
    """Limits of the generating unit or store behind the point; None where unknown.

    `dc_capacity_kw`: of the panels of a solar plant. `charge_ratio`, `discharge_ratio`: efficiency
    of a store on the way in and out. `usable_kwh`: what it holds between 0 and 100 % of charge.
    """

    technology: str = ""
    heat_rate_low_btu_per_kwh: Decimal | None = None
    heat_rate_high_btu_per_kwh: Decimal | None = None
    ramp_kw_per_minute: Decimal | None = None
    usable_kwh: Decimal | None = None
    charge_ratio: Decimal | None = None
    discharge_ratio: Decimal | None = None
    cut_in_m_per_s: Decimal | None = None
    contracted_kw: Decimal | None = None
    dc_capacity_kw: Decimal | None = None


@dataclass(frozen=True)
class PastPeriod:
    """Totals of an earlier period of the same channel, for comparison.

    `valid_ratio`: share of its intervals that were measured. `hours`: real elapsed hours.
    """

    name: str
    total: Decimal
    peak: Decimal
    hours: Decimal
    valid_ratio: Decimal


@dataclass(frozen=True)
class Circumstances:
    """All that is known beside one series."""

    companions: Sequence[Companion] = ()
    registers: Sequence[RegisterAdvance] = ()
    clock_checks: Sequence[ClockCheck] = ()
    capacities: Sequence[Capacity] = ()
    plant: Plant = field(default_factory=Plant)
    outages: Sequence[tuple[int, int]] = ()
    raw: Series | None = None  # as delivered, before multipliers
    pulse_weight: Decimal | None = None  # kWh per pulse (Ke), for a source that counts pulses
    active: bool | None = None  # whether the point is in service over the whole range
    previous: PastPeriod | None = None
    year_ago: PastPeriod | None = None

    def beside(self, relation: Relation) -> list[Companion]:
        """Return the companions that stand in a relation, in the order given.

        >>> Circumstances().beside(Relation.CHECK)
        []
        """
        return [each for each in self.companions if each.relation == relation]
