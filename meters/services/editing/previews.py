"""What an edit would change, before anything is stored: totals and peaks of range, days, months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction

from meters.models import Layer, ReasonCode
from meters.services.editing.edit import Decision
from meters.services.editing.order import EditOrder, Outcome, over_limit, total, work_out
from meters.services.judging.judge import Readings
from meters.services.judging.validate import revalidate
from meters.services.judging.window import Window
from meters.services.publishing.publish import lock_channels
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.kernel.fixed import EXACT, MISSING, from_micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.series import Series

DAYS_LISTED = 31
POWER = {"kWh": "kW", "kVArh": "kVAr", "kVAh": "kVA", "MMBtu": "MMBtu/h"}


@dataclass(frozen=True)
class TotalRow:
    """Energy and highest average power of one span before and after; None where nothing is."""

    span: str
    label: str
    before: Decimal
    after: Decimal
    peak_before: Decimal | None
    peak_after: Decimal | None
    missing_before: int
    missing_after: int

    @property
    def difference(self) -> Decimal:
        """Return after less before."""
        return self.after - self.before

    def to_json(self) -> dict[str, Any]:
        """Return plain data; numbers as text."""
        plain = dict(vars(self)) | {"difference": self.difference}
        return {k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in plain.items()}


@dataclass(frozen=True)
class Preview:
    """An edit worked out on whole local months, with the digest of what it was worked out on."""

    order: EditOrder
    grid: Grid
    outcome: Outcome
    rows: tuple[TotalRow, ...]
    digest: str
    over_limit: str

    @property
    def power_unit(self) -> str:
        """Return the unit of the peaks; empty for a quantity that has none."""
        return power_unit(self.order.channel.unit)

    def series(self, start: datetime, end: datetime) -> tuple[Series, Series]:
        """Return the readings before and after in [start, end), cut to the months."""
        first, last = max(start, self.grid.start_utc), min(end, self.grid.end_utc)
        unit = self.order.channel.unit
        before, after = (
            Series(self.grid, side.values, side.status, unit).slice(first, last)
            for side in (self.outcome.before, self.outcome.after)
        )
        return before, after


def power_unit(unit: str) -> str:
    """Return the unit of a channel's peaks; empty for a quantity that has none."""
    return POWER.get(unit, "")


def preview_edit(order: EditOrder, *, actor: Actor, now: datetime) -> Preview:
    """Return what an edit would change; raises what `edit_readings` would, save for its words.

    Nothing is stored, so whoever may look may preview.
    """
    require(actor, "meters.view")
    order.check()
    periods = _months(order)
    bounds = periods[0].start_utc, periods[-1].end_utc
    window = Window.read([order.channel.pk], *bounds, order.grid.minutes)
    outcome = work_out(order, window)
    digest = outcome.digest(order)
    if order.reverts:
        outcome = _reverted(order, bounds, outcome, now)
    rows = _rows(order, window.grid, outcome, periods)
    return Preview(order, window.grid, outcome, rows, digest, over_limit(order, outcome))


def _months(order: EditOrder) -> list[Period]:
    """Return the local months that an edit touches."""
    place = zone_of(order.zone)
    last = (order.end - timedelta(microseconds=1)).astimezone(place)
    periods = [Period.month(order.zone, f"{order.start.astimezone(place):%Y-%m}")]
    while periods[-1].label != f"{last:%Y-%m}":
        periods.append(periods[-1].next())
    return periods


def _reverted(
    order: EditOrder, bounds: tuple[datetime, datetime], outcome: Outcome, now: datetime
) -> Outcome:
    """Return what rules and estimators make of the readings: let them, look, and take it back."""
    actor = Actor.system("preview")
    decision = Decision(order, ReasonCode.OTHER, "Preview of a revert", actor, None, now)
    with transaction.atomic():
        lock_channels([order.channel.pk])
        decision.carry_out()
        revalidate(order.channel.pk, order.start, order.end, now=now, actor=actor)
        window = Window.read([order.channel.pk], *bounds, order.grid.minutes)
        after = window.readings(order.channel.pk, Layer.FINAL).copy()
        transaction.set_rollback(True)
    return Outcome(outcome.before, after, outcome.part, outcome.days)


def _rows(
    order: EditOrder, grid: Grid, outcome: Outcome, periods: list[Period]
) -> tuple[TotalRow, ...]:
    """Return the rows: the edited range, its local days (31 at most), its months."""
    rows = [_row(order, outcome, "range", "", outcome.part)]
    days = Period.days_between(order.zone, *_local_dates(order)).days()
    if len(days) <= DAYS_LISTED:
        rows += [
            _row(order, outcome, "day", day.isoformat(), _rows_of(grid, _day(order, day)))
            for day in days
        ]
    rows += [
        _row(order, outcome, "month", period.label, _rows_of(grid, period)) for period in periods
    ]
    return tuple(rows)


def _local_dates(order: EditOrder) -> tuple[date, date]:
    place = zone_of(order.zone)
    last = (order.end - timedelta(microseconds=1)).astimezone(place).date()
    return order.start.astimezone(place).date(), last


def _day(order: EditOrder, day: date) -> Period:
    return Period.day(order.zone, day)


def _rows_of(grid: Grid, period: Period) -> slice:
    step = timedelta(minutes=grid.minutes)
    first = (period.start_utc - grid.start_utc) // step
    return slice(first, first + (period.end_utc - period.start_utc) // step)


def _row(order: EditOrder, outcome: Outcome, span: str, label: str, part: slice) -> TotalRow:
    """Return one row of totals and peaks."""
    sides = (outcome.before, outcome.after)
    old, new = (total(side, part) for side in sides)
    peaks = [_peak(order, side, part) for side in sides]
    missing = [int(np.count_nonzero(side.values[part] == MISSING)) for side in sides]
    return TotalRow(span, label, old, new, *peaks, *missing)


def _peak(order: EditOrder, side: Readings, part: slice) -> Decimal | None:
    """Return the highest average power of an interval; None without a value or a power unit."""
    values = side.values[part]
    values = values[values != MISSING]
    if not len(values) or order.channel.unit not in POWER:
        return None
    per_hour = 60 // order.channel.minutes
    return EXACT.multiply(from_micro(int(values.max())), Decimal(per_hour))
