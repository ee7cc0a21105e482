"""Series of readings out of the store, and the pins that name exactly what was read.

A channel list and a range go in, series come out: one query for the channels, one for the blocks,
one for the publications, however many channels and days. Values are in the channel's canonical
unit; final series have the transformer multiplier applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from django.db.models import OuterRef, Subquery

from meters.models import Channel, Layer, LossFactor
from meters.storage import Batch, epoch_day, from_epoch_day, load, load_published
from poweroptix.kernel.errors import Conflict, NotFoundError, Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid, utc
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

DAY_MINUTES = 1440


class Pin(NamedTuple):
    """One block that was read: its key and the SHA-256 of its content."""

    channel_id: int
    day: date
    layer: int
    version: int
    digest: str

    def to_json(self) -> list:
        """Return plain data."""
        return [self.channel_id, self.day.isoformat(), self.layer, self.version, self.digest]

    @classmethod
    def from_json(cls, plain: Sequence) -> Pin:
        """Return the pin that `to_json` wrote."""
        channel_id, day, layer, version, digest = plain
        return cls(int(channel_id), date.fromisoformat(day), int(layer), int(version), digest)


Pins = tuple[Pin, ...]


def final_series(
    channel_id: int, start_utc: datetime, end_utc: datetime, *, pins: Iterable[Pin] | None = None
) -> tuple[Series, Pins]:
    """Return the final readings of a channel in [start, end) and what was read.

    Raises NotFoundError for an unknown channel, Refused for a range off the channel's intervals,
    Conflict when a pinned block is missing or differs.
    """
    found, used = final_many([channel_id], start_utc, end_utc, pins=pins)
    return found[channel_id], used


def final_many(
    channel_ids: Iterable[int],
    start_utc: datetime,
    end_utc: datetime,
    *,
    pins: Iterable[Pin] | None = None,
) -> tuple[dict[int, Series], Pins]:
    """Return the final readings of many channels by channel id, and what was read.

    Without pins the newest published versions count; with pins exactly those, proved by digest.
    """
    return _read(channel_ids, start_utc, end_utc, Layer.FINAL, pins)


def raw_series(channel_id: int, start_utc: datetime, end_utc: datetime) -> tuple[Series, Pins]:
    """Return the readings of a channel as received, before multiplier, rules and estimates."""
    found, used = raw_many([channel_id], start_utc, end_utc)
    return found[channel_id], used


def raw_many(
    channel_ids: Iterable[int], start_utc: datetime, end_utc: datetime
) -> tuple[dict[int, Series], Pins]:
    """Return the readings of many channels as received."""
    return _read(channel_ids, start_utc, end_utc, Layer.RAW, None)


def _read(
    channel_ids: Iterable[int],
    start_utc: datetime,
    end_utc: datetime,
    layer: Layer,
    pins: Iterable[Pin] | None,
) -> tuple[dict[int, Series], Pins]:
    """Read blocks of one layer and lay them on one grid per channel."""
    ids = list(dict.fromkeys(channel_ids))
    facts = channel_facts(ids)
    start, end = utc(start_utc), utc(end_utc)
    if end <= start:
        raise Refused("readings.range", f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} is empty.")
    first, last = day_span(start, end)
    if pins is None:
        batches = load_published(ids, first, last, layers=[layer])
    else:
        batches = _pinned(ids, first, last, layer, list(pins))
    by_minutes: dict[int, list[int]] = {}
    for channel_id in ids:
        by_minutes.setdefault(facts[channel_id][0], []).append(channel_id)
    found: dict[int, Series] = {}
    for minutes, group in by_minutes.items():
        grid = aligned_grid(start, end, minutes)
        values, status = _laid_out(
            [b for b in batches if b.minutes == minutes], group, first, last, grid
        )
        for row, channel_id in enumerate(group):
            found[channel_id] = Series(grid, values[row], status[row], facts[channel_id][1])
    return {channel_id: found[channel_id] for channel_id in ids}, pins_of(batches)


def channel_facts(ids: list[int]) -> dict[int, tuple[int, str]]:
    """Return (interval minutes, unit) by channel id; NotFoundError names an unknown id."""
    facts = {
        pk: (minutes, unit)
        for pk, minutes, unit in Channel.objects.filter(pk__in=ids).values_list(
            "pk", "minutes", "unit"
        )
    }
    unknown = [str(i) for i in ids if i not in facts]
    if unknown:
        raise NotFoundError("channel.unknown", f"There is no channel {', '.join(unknown[:5])}.")
    return facts


def day_span(start: datetime, end: datetime) -> tuple[int, int]:
    """Return the first and last UTC day number that [start, end) touches."""
    return epoch_day(start.date()), epoch_day((end - timedelta(microseconds=1)).date())


def aligned_grid(start: datetime, end: datetime, minutes: int) -> Grid:
    """Return the grid of [start, end); Refused when it is off the channel's intervals."""
    grid = Grid.spanning(start, end, minutes)
    if grid.start_minute % minutes:
        raise Refused(
            "readings.not_aligned",
            f"{start:%Y-%m-%d %H:%M} UTC is not the start of a {minutes}-minute interval.",
        )
    return grid


def _laid_out(
    batches: list[Batch], channel_ids: list[int], first: int, last: int, grid: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and statuses, channels x intervals of the grid."""
    per_day = DAY_MINUTES // grid.minutes
    shape = (len(channel_ids), last - first + 1, per_day)
    values = np.full(shape, MISSING, np.int64)
    status = np.full(shape, int(Status.MISSING), np.uint8)
    order = np.argsort(channel_ids)
    for batch in batches:
        row = order[np.searchsorted(np.asarray(channel_ids)[order], batch.channel_ids)]
        values[row, batch.days - first] = batch.values
        status[row, batch.days - first] = batch.status
    begin = (grid.start_minute - first * DAY_MINUTES) // grid.minutes
    window = slice(begin, begin + grid.count)
    return values.reshape(shape[0], -1)[:, window], status.reshape(shape[0], -1)[:, window]


def pins_of(batches: Iterable[Batch]) -> Pins:
    """Return the pins of blocks, in order of key."""
    pins = [
        Pin(channel_id, from_epoch_day(day), layer, version, digest.hex())
        for batch in batches
        for channel_id, day, layer, version, digest in zip(
            batch.channel_ids.tolist(),
            batch.days.tolist(),
            batch.layers.tolist(),
            batch.versions.tolist(),
            [cell.tobytes() for cell in batch.digests],
            strict=True,
        )
    ]
    return tuple(sorted(pins))


def _pinned(ids: list[int], first: int, last: int, layer: int, pins: list[Pin]) -> list[Batch]:
    """Return exactly the pinned blocks; Conflict when one is missing or differs."""
    wanted = {
        (p.channel_id, epoch_day(p.day), p.version): p
        for p in pins
        if p.layer == layer and p.channel_id in set(ids) and first <= epoch_day(p.day) <= last
    }
    chosen: list[Batch] = []
    for batch in load(ids, first, last, layers=[layer]):
        keys = zip(
            batch.channel_ids.tolist(), batch.days.tolist(), batch.versions.tolist(), strict=True
        )
        mask = np.fromiter((key in wanted for key in keys), bool, len(batch))
        part = batch.take(mask)
        altered = part.tampered()
        for i in range(len(part)):
            key = (int(part.channel_ids[i]), int(part.days[i]), int(part.versions[i]))
            pin = wanted.pop(key)
            if altered[i] or part.digests[i].tobytes().hex() != pin.digest:
                raise Conflict("pins.differ", f"The block {_name(pin)} is not what was pinned.")
        chosen.append(part)
    if wanted:
        pin = next(iter(wanted.values()))
        raise Conflict("pins.missing", f"The pinned block {_name(pin)} does not exist.")
    return chosen


def _name(pin: Pin) -> str:
    return f"of channel {pin.channel_id}, {pin.day}, layer {pin.layer}, version {pin.version}"


def newer_than(pins: Iterable[Pin]) -> list[tuple[Pin, int]]:
    """Return the pins that a newer published version has replaced, with that version."""
    wanted = {(p.channel_id, epoch_day(p.day), p.layer): p for p in pins}
    if not wanted:
        return []
    days = [day for _, day, _ in wanted]
    changed = []
    for batch in load_published(
        {channel for channel, _, _ in wanted},
        min(days),
        max(days),
        layers={layer for _, _, layer in wanted},
        content=False,
    ):
        for channel_id, day, layer, version in zip(
            batch.channel_ids.tolist(),
            batch.days.tolist(),
            batch.layers.tolist(),
            batch.versions.tolist(),
            strict=True,
        ):
            pin = wanted.get((channel_id, day, layer))
            if pin is not None and version > pin.version:
                changed.append((pin, version))
    return sorted(changed)


def loss_ratios(delivery_point_ids: Iterable[int], on: date) -> Mapping[int, Decimal]:
    """Return the loss factor in force on a day by delivery point; points without one are absent."""
    newest = LossFactor.objects.filter(
        delivery_point=OuterRef("delivery_point"), effective_from__lte=on
    ).order_by("-effective_from")
    rows = LossFactor.objects.filter(
        delivery_point__in=list(delivery_point_ids), pk=Subquery(newest.values("pk")[:1])
    )
    return {row.delivery_point_id: row.loss_ratio for row in rows}


def at_minute(epoch_minute: int) -> datetime:
    """Return the UTC instant of a minute since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=int(epoch_minute))
