"""Readings of chosen channels and days on their way into a file, part by part.

`prepare` refuses what cannot be exported and returns an `Export`, whose `content()` streams. A
part holds at most `PART_INTERVALS` intervals (or one day of one channel); that and the text made
of it bound the memory, however long the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from meters.exports import ChannelHead, Head, Part, Writer, writers
from meters.models import Channel, Layer, Publication, ReadingBlock
from meters.queries.series import DAY_MINUTES, aligned_grid, day_span
from meters.storage import Batch, from_epoch_day, load_published
from poweroptix.kernel.errors import NotFoundError, Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

LAYERS = {"final": Layer.FINAL, "raw": Layer.RAW}
PART_INTERVALS = 50_000
MOST_DAYS = 3_660
MOST_INTERVALS = 100_000_000


@dataclass(frozen=True)
class ExportOrder:
    """What is asked for: channels by code, days (both included), layer, format and zone.

    The days are days of `zone`, by default of the campus.
    """

    codes: tuple[str, ...]
    first: date
    last: date
    format: str
    layer: str = "final"
    zone: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "channels": list(self.codes),
            "first_day": self.first.isoformat(),
            "last_day": self.last.isoformat(),
            "format": self.format,
            "layer": self.layer,
            "zone": self.zone,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> ExportOrder:
        """Return the order that `to_json` wrote."""
        first, last = (date.fromisoformat(plain[name]) for name in ("first_day", "last_day"))
        codes = tuple(plain["channels"])
        return cls(codes, first, last, plain["format"], plain["layer"], plain["zone"])


@dataclass(frozen=True)
class Export:
    """An order that can be carried out."""

    head: Head
    writer: type[Writer]
    ids: tuple[int, ...]
    intervals: int

    @property
    def file_name(self) -> str:
        """Return what the file is called."""
        head = self.head
        what = head.campus if len(self.ids) > 1 else head.channels[0].code.replace("/", "_")
        layer = "" if head.layer == "final" else f"_{head.layer}"
        name = f"poweroptix_readings_{what}_{head.first}_{head.last}{layer}"
        return f"{name}.{self.writer.suffix}"

    def content(self, told: Callable[[int], None] = lambda _done: None) -> Iterator[bytes]:
        """Yield the file; `told` hears how many intervals were read so far.

        Raises Refused, naming channel and interval, for a reading that the format cannot hold.
        """
        return self.writer.write(self.head, self._parts(told))

    def _parts(self, told: Callable[[int], None]) -> Iterator[Part]:
        done, layer = 0, LAYERS[self.head.layer]
        for ids, channels, first, last in self._portions():
            period = Period.days_between(self.head.zone, first, last)
            for part in _read(ids, channels, period, layer):
                yield part
                done += part.series.grid.count
                told(done)

    def _portions(self) -> Iterator[tuple[list[int], list[ChannelHead], date, date]]:
        """Yield what is read at once: several channels whole, or one in runs of days."""
        channels, days = self.head.channels, (self.head.last - self.head.first).days + 1
        at = 0
        while at < len(channels):
            per_day = DAY_MINUTES // channels[at].minutes
            size = max(1, PART_INTERVALS // (per_day * days))
            end = at + 1
            while end < min(at + size, len(channels)) and (
                channels[end].minutes == channels[at].minutes
            ):
                end += 1
            step = max(1, PART_INTERVALS // per_day) if end == at + 1 else days
            for offset in range(0, days, step):
                first = self.head.first + timedelta(days=offset)
                last = min(first + timedelta(days=step - 1), self.head.last)
                yield list(self.ids[at:end]), list(channels[at:end]), first, last
            at = end


def prepare(order: ExportOrder, *, now: datetime) -> Export:
    """Return what carries out an order.

    Raises NotFoundError for an unknown channel or format; Refused for an empty or too long period,
    channels of several campuses, no readings at all, and what the format cannot hold.
    """
    writer = writers.get(order.format)
    layer = _layer(order)
    _check_period(order)
    rows = _channels(order.codes)
    zone = order.zone or rows[0].delivery_point.campus.zone
    zone_of(zone)
    head = Head(
        rows[0].delivery_point.campus.code,
        zone,
        order.first,
        order.last,
        order.layer,
        now,
        tuple(ChannelHead(row.code, row.unit, row.minutes, row.direction) for row in rows),
    )
    writer.check(head)
    period = Period.days_between(zone, order.first, order.last)
    ids = tuple(row.pk for row in rows)
    _check_readings(ids, period, layer, order)
    return Export(head, writer, ids, _count(rows, period))


def _layer(order: ExportOrder) -> Layer:
    if order.layer not in LAYERS:
        raise Refused("export.layer", f"The layer is final or raw, not '{order.layer[:20]}'.")
    return LAYERS[order.layer]


def _check_period(order: ExportOrder) -> None:
    if order.last < order.first:
        text = f"The period is empty: its last day {order.last} is before its first {order.first}."
        raise Refused("export.period", text)
    days = (order.last - order.first).days + 1
    if days > MOST_DAYS:
        text = f"{days:,} days are too many for one file; export at most {MOST_DAYS:,} at once."
        raise Refused("export.too_long", text)


def _channels(codes: tuple[str, ...]) -> list[Channel]:
    """Return the channels of one campus in the order of their codes."""
    if not codes:
        raise Refused("export.no_channel", "Choose at least one channel.")
    wanted = set(codes)
    rows = list(
        Channel.objects.filter(code__in=wanted)
        .select_related("delivery_point__campus")
        .order_by("code")
    )
    unknown = sorted(wanted - {row.code for row in rows})
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        text = f"There is no channel {', '.join(unknown[:5])}{more}."
        raise NotFoundError("channel.unknown", text)
    campuses = sorted({row.delivery_point.campus.code for row in rows})
    if len(campuses) > 1:
        text = f"The channels are of {' and '.join(campuses)}; export each campus by itself."
        raise Refused("export.campuses", text)
    return rows


def _check_readings(ids: tuple[int, ...], period: Period, layer: Layer, order: ExportOrder) -> None:
    """Refuse an order for which nothing was ever published."""
    first, last = day_span(period.start_utc, period.end_utc)
    found = ReadingBlock.objects.filter(
        channel_id__in=ids,
        day__gte=from_epoch_day(first),
        day__lte=from_epoch_day(last),
        layer=layer,
        publication_id__in=Publication.objects.filter(published_at__isnull=False).values("pk"),
    )
    if not found.exists():
        text = (
            f"There are no {order.layer} readings of {order.codes[0]}"
            f"{' or the others' if len(ids) > 1 else ''} from {order.first} to {order.last}."
        )
        raise NotFoundError("export.no_readings", text)


def _count(rows: list[Channel], period: Period) -> int:
    """Return how many intervals the file has; Refused where they are too many."""
    length = (period.end_utc - period.start_utc) // timedelta(minutes=1)
    count = sum(length // row.minutes for row in rows)
    if count > MOST_INTERVALS:
        text = (
            f"{count:,} intervals are too many for one file, at most {MOST_INTERVALS:,}; choose "
            "fewer channels or days."
        )
        raise Refused("export.too_long", text)
    return count


def _read(
    ids: list[int], channels: list[ChannelHead], period: Period, layer: Layer
) -> Iterator[Part]:
    """Yield the readings of channels of one interval length in a period; two queries."""
    first, last = day_span(period.start_utc, period.end_utc)
    grid = aligned_grid(period.start_utc, period.end_utc, channels[0].minutes)
    batches = load_published(ids, first, last, layers=[layer])
    per_day = DAY_MINUTES // grid.minutes
    begin = (grid.start_minute - first * DAY_MINUTES) // grid.minutes
    window = slice(begin, begin + grid.count)
    for channel_id, channel in zip(ids, channels, strict=True):
        shape = (last - first + 1, per_day)
        values = np.full(shape, MISSING, np.int64)
        status = np.full(shape, int(Status.MISSING), np.uint8)
        method, version = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
        for batch in batches:
            if batch.minutes == grid.minutes:
                _lay(batch, channel_id, first, (values, status, method, version))
        columns = [each.reshape(-1)[window] for each in (values, status, method, version)]
        series = Series(grid, columns[0], columns[1], channel.unit)
        yield Part(channel, series, columns[2], columns[3])


def _lay(batch: Batch, channel_id: int, first: int, into: tuple[np.ndarray, ...]) -> None:
    """Lay the days of one channel out of a batch into days x intervals."""
    values, status, method, version = into
    rows = batch.channel_ids == channel_id
    days = batch.days[rows] - first
    values[days], status[days] = batch.values[rows], batch.status[rows]
    method[days] = batch.method[rows]
    version[days] = batch.versions[rows][:, None]
