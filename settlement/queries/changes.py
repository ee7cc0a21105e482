"""What changed in the readings between a run's pins and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from meters.queries import final_many
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.plan import period_of
from settlement.queries.campus import pins_of


@dataclass(frozen=True)
class Change:
    """What a publication changed on one channel inside one period."""

    channel_id: int
    start_utc: datetime
    end_utc: datetime
    interval_count: int
    before_kwh: Decimal
    after_kwh: Decimal


def changes_of(
    document: Mapping[str, Any],
    channel_ids: Sequence[int],
    first_utc: datetime,
    last_utc: datetime,
) -> dict[int, Change]:
    """Compare pinned with newest readings of an allocation's period, channel by channel."""
    pins = pins_of(document)
    used = {pin.channel_id for pin in pins} & set(channel_ids)
    if not used:
        return {}
    period = period_of(document)
    start, end = _window(period, first_utc, last_utc)
    wanted = [pin for pin in pins if pin.channel_id in used]
    after, _ = final_many(sorted(used), start, end)
    before, _ = final_many(sorted(used), start, end, pins=wanted)
    return _changes(before, after)


def changes_between(
    before: Mapping[str, Any], after: Mapping[str, Any], channel_ids: Sequence[int]
) -> dict[int, Change]:
    """Compare what two allocations of a month pinned, channel by channel; others are left out."""
    wanted = {int(pk) for pk in before["pins"]} & {int(pk) for pk in after["pins"]}
    wanted &= set(channel_ids)
    same = {pk for pk in wanted if before["digests"][str(pk)] == after["digests"][str(pk)]}
    period, ids = period_of(after), sorted(wanted - same)
    if not ids:
        return {}
    old, new = (
        final_many(
            ids,
            period.start_utc,
            period.end_utc,
            pins=[pin for pin in pins_of(one) if pin.channel_id in wanted - same],
        )[0]
        for one in (before, after)
    )
    return _changes(old, new)


def _changes(before: Mapping[int, Series], after: Mapping[int, Series]) -> dict[int, Change]:
    found = {pk: _change(pk, before[pk], after[pk]) for pk in sorted(before)}
    return {pk: change for pk, change in found.items() if change is not None}


def _window(period: Period, first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """Return the part of the period that whole hours around the publication's range cover."""
    hour = timedelta(hours=1)
    start = max(period.start_utc, first.replace(minute=0, second=0, microsecond=0))
    end = min(period.end_utc, last.replace(minute=0, second=0, microsecond=0) + hour)
    return start, end


def _change(channel_id: int, before: Series, after: Series) -> Change | None:
    differs = np.flatnonzero(before.values != after.values)
    if not differs.size:
        return None
    grid = after.grid
    return Change(
        channel_id,
        grid.start_of(int(differs[0])),
        grid.start_of(int(differs[-1]) + 1),
        int(differs.size),
        _sum(before, differs),
        _sum(after, differs),
    )


def _sum(series: Series, at: np.ndarray) -> Decimal:
    values = series.values[at]
    return from_micro(int(values[values != MISSING].sum(dtype=np.int64)))
