"""Short ways to build the inputs of a charge."""

from datetime import date
from decimal import Decimal

import numpy as np

from contracts.charges import Calendar, ChargeInputs, TermRef, charge_type
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

CHICAGO = "America/Chicago"


def term(label="Energy", line_code=10):
    return TermRef("PPA-ALFA", 1, "4.2", line_code, label)


def flat(grid, kwh):
    return Series.of(grid, [Decimal(kwh)] * grid.count, "kWh")


def micro_series(grid, values):
    values = np.asarray(values, dtype=np.int64)
    return Series(grid, values, np.full(values.size, int(Status.VALIDATED), np.uint8), "kWh")


def spread(grid, total_kwh):
    """A series with the given total: everything in the first interval."""
    return Series.of(grid, [Decimal(total_kwh)] + [Decimal(0)] * (grid.count - 1), "kWh")


def inputs(label="2026-03", series=None, *, zone=CHICAGO, minutes=15, period=None, **more):
    period = period or Period.month(zone, label)
    if series is None:
        series = flat(period.grid(minutes), "0")
    fields = {
        "period": period,
        "zone": zone,
        "currency": "USD",
        "term": more.pop("term", term()),
        "series": {"delivered": series},
    }
    return ChargeInputs(**fields, **more)


def charge(key, given, parameters, carry=None):
    kind = charge_type(key)
    return kind.charge(given, kind.parse(parameters), carry or {})


def amount(key, given, parameters, carry=None):
    return str(charge(key, given, parameters, carry)[0].amount_usd)


def calendar(rows, zone=CHICAGO, holidays=()):
    return Calendar(
        TouSchedule.from_json({"zone": zone, "rows": rows}),
        frozenset(date.fromisoformat(day) for day in holidays),
    )


def hours(start, count, minutes=60):
    return Grid(start, minutes, count)
