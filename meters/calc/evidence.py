"""What may be known about a point beside its own readings, for estimates.

Everything lies on the grid of the series to be filled unless said otherwise; index ranges are those
of that grid, `first` included, `end` not. What is not known stays at its default; an estimator that
needs it then does not apply. Names are printed on worksheets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from poweroptix.kernel.series import Series

Points = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True)
class Named:
    """A series and the name of where it comes from."""

    name: str
    series: Series


@dataclass(frozen=True)
class Check:
    """A check or backup meter.

    `loss_factor`: set when the meters stand on two sides of a transformer; main = check x factor
    then replaces the ratio of their sums.
    """

    name: str
    series: Series
    loss_factor: Decimal | None = None


@dataclass(frozen=True)
class Flow:
    """Another flow at the same node; `inward`: into the node."""

    name: str
    series: Series
    inward: bool


@dataclass(frozen=True)
class Node:
    """All other flows at the node of the channel to be filled.

    `inward`: whether that channel flows in. `loss_pct`: losses in percent of what flows in.
    """

    name: str
    flows: tuple[Flow, ...]
    inward: bool = False
    loss_pct: Decimal = Decimal(0)


@dataclass(frozen=True)
class Solar:
    """The sun over the plant: elevation (deg, middle of the interval), irradiance (GHI, W/m2).

    `clear_days`: local days that were clear, by whoever judges the sky.
    """

    elevation: Series | None = None
    irradiance: Named | None = None
    clear_days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Wind:
    """Wind at the nacelles (m/s) and the power curve of the plant: (m/s, kW), rising in m/s."""

    speed: Named
    curve: Points


@dataclass(frozen=True)
class Fuel:
    """Fuel energy (MMBtu, higher heating value) and heat rates: (MMBtu/h, Btu/kWh), rising."""

    energy: Named
    heat_rates: Points


@dataclass(frozen=True)
class Storage:
    """State of charge (pct) at the start of every interval, and what the store can hold.

    `usable_kwh`: energy between 0 and 100 pct. Efficiencies are ratios above 0, at most 1.
    `counts`: what the channel measures, CHARGE, DISCHARGE, or NET (discharge less charge).
    """

    charge: Named
    usable_kwh: Decimal
    charge_ratio: Decimal = Decimal(1)
    discharge_ratio: Decimal = Decimal(1)
    counts: str = "NET"


@dataclass(frozen=True)
class Known:
    """Energy (kWh) known for an index range: a register's advance, a contract quantity."""

    first: int
    end: int
    energy_kwh: Decimal
    source: str


@dataclass(frozen=True)
class Exchanged:
    """A meter exchanged inside an interval: what the old and the new one counted in it (kWh).

    `dead`: how long no meter counted. `sheets`: the register reads behind each part.
    """

    index: int
    old_kwh: Decimal
    new_kwh: Decimal
    dead: timedelta
    sheets: tuple[Mapping[str, Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Span:
    """An index range with a reason: a confirmed outage, a point that was not energised."""

    first: int
    end: int
    reason: str


@dataclass(frozen=True)
class Agreed:
    """Values that a person entered or the parties agreed on."""

    series: Series
    person: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """All of it.

    `reread`: a second answer of the meter. `scada`: power (MW) on a grid whose intervals are parts
    of those of the series, same start. `devices`: inverters, turbines, UPS or PDU below the meter;
    `device_loss_pct`: what is lost between them and the meter. `last_year`: readings of a year ago
    at the same interval length, on their own grid; `last_year_outages`: its days with an outage.
    `exchanges`: meters exchanged inside an interval. `shape`: weights of a profile. `known`:
    energies of ranges. `daily_kwh`, `average_daily_kwh`: totals by local day, and what a day of 24
    hours takes on average.
    """

    reread: Named | None = None
    checks: tuple[Check, ...] = ()
    node: Node | None = None
    scada: Named | None = None
    devices: tuple[Named, ...] = ()
    device_loss_pct: Decimal = Decimal(0)
    last_year: Series | None = None
    last_year_outages: frozenset[date] = frozenset()
    shape: Named | None = None
    known: tuple[Known, ...] = ()
    solar: Solar | None = None
    wind: Wind | None = None
    fuel: Fuel | None = None
    schedule: Named | None = None
    storage: Storage | None = None
    not_energised: tuple[Span, ...] = ()
    daily_kwh: Mapping[date, Decimal] = field(default_factory=dict)
    average_daily_kwh: Decimal | None = None
    agreed: Agreed | None = None
    exchanges: tuple[Exchanged, ...] = ()
