"""Desk-check: price a version on past months without saving anything."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import numpy as np

from contracts import queries
from contracts.calc.price_terms import PricedTerm, needs_of, price_terms
from contracts.charges import PoolView
from contracts.models import ContractVersion, TenantPoint
from contracts.models.quantities import ALLOCATED
from contracts.readings import read_bound
from meters.models import Channel
from meters.queries import final_many
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import Mode, to_integer
from poweroptix.kernel.series import Series, sum_of
from poweroptix.kernel.worksheet import Worksheet

KWH_CHANNELS = {"quantity": "KWH", "direction": "DELIVERED", "role": "MAIN", "is_active": True}


def desk_check(
    version: ContractVersion, label: str, *, carry_in: dict | None = None
) -> list[tuple[PricedTerm, Worksheet]]:
    """Worksheets of a draft or active version on the readings of a past month such as 2026-03.

    The whole month is priced, whatever the dates of the version. Losses are not allocated: the
    quantity is what the contract's points metered. Further quantities are read from their
    channels, events as they stand. Pools of money are not divided either, so their lines have no
    amount. Nothing is stored.
    """
    contract = version.contract
    period = Period.month(contract.zone, label)
    rows = queries.terms(version)
    needs = needs_of(rows)
    inputs = queries.pricing_inputs(version, period)
    inputs.calendars.update(queries.calendars(needs.calendars))
    prices, _pins = queries.prices_for(needs.prices, period, days_before=needs.days_before)
    inputs.prices.update(prices)
    inputs.histories.update(queries.histories_for(needs.histories, period))
    allocated = [name for name in needs.series if name in ALLOCATED]
    if allocated:
        metered = metered_series(version, period)
        inputs.series.update(dict.fromkeys(allocated, metered))
    further = read_bound([contract.pk], period).of(contract.pk, needs.series)
    inputs.series.update({name: series for name, (series, _) in further.items()})
    events = queries.events_of([contract.pk], period.start_utc, period.end_utc)
    inputs = replace(
        inputs,
        events=tuple(one for one in events.get(contract.pk, ()) if one.kind in needs.events),
    )
    inputs.pools.update({code: PoolView(code, "COST", label) for code in needs.pools})
    inputs.carry_in.update(carry_in or {})
    return price_terms(rows, inputs)[0]


def metered_series(version: ContractVersion, period: Period) -> Series:
    """Return what the contract's points metered in the period, in kWh, summed.

    Refused when no point has a kWh channel. Channels of unlike length are summed to the longest.
    """
    points = list(queries.tenant_points(version.contract, period))
    parts: list[tuple[TenantPoint, Channel]] = [
        (point, channel)
        for point in points
        for channel in point.delivery_point.channels.filter(**KWH_CHANNELS).order_by("code")
    ]
    if not parts:
        raise Refused(
            "contracts.no_point", f"{version.contract} has no metered point in {period.label}"
        )
    found, _pins = final_many(
        {channel.pk for _point, channel in parts}, period.start_utc, period.end_utc
    )
    minutes = max(channel.minutes for _point, channel in parts)
    return sum_of(
        [shared(point, found[channel.pk].to_minutes(minutes), period) for point, channel in parts]
    )


def shared(point: TenantPoint, series: Series, period: Period) -> Series:
    """Return the contract's part of a point: its share, and zero on days it does not serve."""
    days = period.days()
    last = days[-1] if point.valid.upper is None else point.valid.upper - timedelta(days=1)
    first, last = max(days[0], point.valid.lower), min(days[-1], last)
    start, end = period.day_bounds(first)[0], period.day_bounds(last)[1]
    held = window(series.grid, series.grid.sub(start, end))
    values = np.where(held, series.values, 0)
    status = np.where(held, series.status, np.uint8(Status.CALCULATED))
    if point.share_ratio != 1:
        ratio = Fraction(point.share_ratio)
        values = np.array(
            [
                value if value == MISSING else to_integer(value * ratio, Mode.HALF_EVEN)
                for value in values.tolist()
            ],
            dtype=np.int64,
        )
    return Series(series.grid, values, status, series.unit)


def window(grid: Grid, part: Grid) -> np.ndarray:
    """Which intervals of the grid lie in a part of it."""
    first = (part.start_minute - grid.start_minute) // grid.minutes
    index = np.arange(grid.count)
    return (index >= first) & (index < first + part.count)
