"""Which channels are late: a local day is over for longer than agreed and has missing intervals.

One definition for every page and report. A source is late by its own schedule instead
(`meters.queries.sources`): it may send in time and lack readings, or be late while all is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from meters.models import Channel, ChannelKind, Installation, Layer
from meters.queries.series import DAY_MINUTES, day_span
from meters.storage import epoch_day, load_published
from poweroptix.kernel.period import Period, day_start, zone_of
from poweroptix.kernel.quality import Status

LATE_LOOKBACK_DAYS = 60
DEFINITION = (
    "A channel is late when a local day that ended longer ago than its grace lacks intervals, and "
    "by the oldest such day."
)
SOURCE_DEFINITION = "A source is late by its own schedule: nothing new for longer than that."


@dataclass(frozen=True)
class LateChannel:
    """A channel with missing intervals in local days that are over for longer than its grace.

    `oldest` is the first such day, `days` how many there are, `missing` their missing intervals.
    `hours_late` counts from the end of the grace of the oldest day; None where that is the first
    of the last 60 days, so that it may be more.
    """

    channel: Channel
    oldest: date
    days: int
    missing: int
    hours_late: int | None


def late_channels(
    now: datetime, *, campus_id: int | None = None, period: Period | None = None
) -> list[LateChannel]:
    """Return the active metered channels that are late, the longest late first.

    The last 60 local days count, or those of a local month, as far as a meter is installed
    (without any installation: from the first reading on). Missing is what was not received and
    what no person entered. At most six queries.
    """
    rows = Channel.objects.filter(is_active=True, kind=ChannelKind.METERED)
    rows = rows.select_related("delivery_point__campus").order_by("code")
    if campus_id is not None:
        rows = rows.filter(delivery_point__campus=campus_id)
    channels = list(rows)
    first, last = epoch_day(now.date()) - LATE_LOOKBACK_DAYS - 1, epoch_day(now.date())
    span = (first, last) if period is None else day_span(period.start_utc, period.end_utc)
    received = _marked(channels, span, Layer.RAW, lambda status: status != Status.MISSING)
    due = _due(channels, span, received)
    holes = {one.pk: due[one.pk] & ~received[one.pk] for one in channels}
    doubtful = [one for one in channels if holes[one.pk].any()]
    entered = _marked(doubtful, span, Layer.FINAL, lambda status: status == Status.EDITED)
    found = [_late(one, holes[one.pk] & ~entered[one.pk], span[0], now, period) for one in doubtful]
    return sorted((one for one in found if one is not None), key=lambda one: one.oldest)


def _marked(
    channels: Sequence[Channel],
    span: tuple[int, int],
    layer: int,
    wanted: Callable[[np.ndarray], np.ndarray],
) -> dict[int, np.ndarray]:
    """Return where the newest readings of a layer have a wanted status, over whole UTC days."""
    days = span[1] - span[0] + 1
    found = {one.pk: np.zeros((days, DAY_MINUTES // one.minutes), bool) for one in channels}
    for batch in load_published(found, *span, layers=[layer], content=False):
        marks = wanted(batch.status)
        ids, starts = np.unique(batch.channel_ids, return_index=True)
        for pk, part in zip(ids.tolist(), np.split(np.arange(len(batch)), starts[1:]), strict=True):
            if found[pk].shape[1] == marks.shape[1]:
                found[pk][batch.days[part] - span[0]] = marks[part]
    return {pk: laid.reshape(-1) for pk, laid in found.items()}


def _due(
    channels: Iterable[Channel], span: tuple[int, int], received: dict[int, np.ndarray]
) -> dict[int, np.ndarray]:
    """Return where readings are due: a meter is installed, or the first one has come."""
    installed: dict[int, list] = {pk: [] for pk in received}
    for row in Installation.objects.filter(channel__in=list(received)):
        installed[row.channel_id].append(row.valid)
    found = {}
    for one in channels:
        mask = np.zeros(len(received[one.pk]), bool)
        for valid in installed[one.pk]:
            ends = (
                None if edge is None else max(0, _index(edge, span[0], one.minutes))
                for edge in (valid.lower, valid.upper)
            )
            mask[slice(*ends)] = True
        if not installed[one.pk]:
            mask[int(received[one.pk].argmax()) :] = True
        found[one.pk] = mask
    return found


def _late(
    channel: Channel, holes: np.ndarray, first: int, now: datetime, period: Period | None
) -> LateChannel | None:
    """Judge the local days of one channel; None when nothing is overdue."""
    zone, grace = channel.delivery_point.campus.zone, timedelta(hours=channel.late_after_hours)
    today = now.astimezone(zone_of(zone)).date()
    days = [today - timedelta(days=n) for n in range(LATE_LOOKBACK_DAYS, -1, -1)]
    if period is not None:
        days = [*period.days(), period.last_date + timedelta(days=1)]
    bounds = [day_start(day, zone) for day in days]
    at = [_index(bound, first, channel.minutes) for bound in bounds]
    counted = np.diff(np.concatenate(([0], np.cumsum(holes)))[at])
    late = [n for n, end in enumerate(bounds[1:]) if counted[n] and end + grace <= now]
    if not late:
        return None
    waited = (now - bounds[late[0] + 1] - grace) // timedelta(hours=1)
    missing = int(sum(counted[n] for n in late))
    is_open = late[0] == 0 and period is None
    return LateChannel(channel, days[late[0]], len(late), missing, None if is_open else waited)


def _index(instant: datetime, first: int, minutes: int) -> int:
    """Return how many intervals lie between the first UTC day and an instant."""
    of_day = instant.hour * 60 + instant.minute
    return ((epoch_day(instant.date()) - first) * DAY_MINUTES + of_day) // minutes
