"""Reads what the quality report of a campus month is made of; ten queries at most."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from meters.calc.quality_report import (
    LETTERS,
    ChannelRow,
    EditRow,
    FinalRow,
    FindingRow,
    Header,
    LateRow,
    OutageRow,
    QualityReport,
    build_report,
)
from meters.models import (
    Campus,
    Channel,
    Edit,
    Finding,
    FindingState,
    Layer,
    PointKind,
    Publication,
    Role,
)
from meters.queries.late import late_channels
from meters.queries.metrology import outages
from meters.queries.series import DAY_MINUTES, day_span
from meters.storage import Batch, epoch_day, load
from poweroptix.kernel import exact
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import BILLABLE, Method, Status, letter

#: Points whose energy is not part of the balance.
BESIDE = (PointKind.FUEL, PointKind.CHECK)
#: Quantities whose readings add up to something.
ENERGY = ("KWH", "KVARH", "KVAH", "MMBTU")
_LETTER = np.array([*(" " * 256)], dtype="<U1")
for _status in Status:
    _LETTER[int(_status)] = letter(_status)
_BILLABLE = np.isin(np.arange(256), [int(status) for status in BILLABLE])


def quality_report(
    campus: Campus, period: Period, *, now: datetime, titles: Mapping[str, str]
) -> QualityReport:
    """Return the quality report of a local month of a campus as it stands now.

    `titles` says what each code of a finding means.
    """
    channels = list(
        Channel.objects.filter(delivery_point__campus=campus, is_active=True)
        .select_related("delivery_point")
        .order_by("code")
    )
    first, last = day_span(period.start_utc, period.end_utc)
    batches = load([channel.pk for channel in channels], first, last)
    made = Publication.objects.in_bulk(
        {int(pk) for batch in batches for pk in np.unique(batch.publication_ids)}
    )
    visible = {pk: row for pk, row in made.items() if row.published_at is not None}
    batches = [b.take(np.isin(b.publication_ids, list(visible))) for b in batches]
    header = Header(
        campus.code, campus.name, campus.zone, period.label, period.start_utc, period.end_utc, now
    )
    return build_report(
        header,
        channels=[_channel(channel, batches, period, first, last) for channel in channels],
        findings=_findings(channels, period, titles),
        edits=_edits(channels, period),
        late=[
            LateRow(
                one.channel.code,
                one.channel.late_after_hours,
                one.days,
                one.missing,
                one.oldest,
                one.hours_late or 0,
            )
            for one in late_channels(now, campus_id=campus.pk, period=period)
        ],
        finals=[_final(channel, batches, visible, period, now) for channel in channels],
        outages=[
            OutageRow(row.delivery_point.code, outage)
            for row, outage in outages(
                period.start_utc, period.end_utc, now=now, campus_id=campus.pk
            )
        ],
    )


def _mine(channel: Channel, batches: list[Batch], layer: int) -> list[tuple[Batch, np.ndarray]]:
    """Return the blocks of a channel and layer, versions in order."""
    return [
        (batch, np.flatnonzero((batch.channel_ids == channel.pk) & (batch.layers == layer)))
        for batch in batches
        if batch.minutes == channel.minutes
    ]


def _laid_out(
    channel: Channel, batches: list[Batch], layer: int, first: int, last: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, statuses and methods of the newest versions over whole UTC days."""
    shape = (last - first + 1, DAY_MINUTES // channel.minutes)
    values = np.full(shape, MISSING, np.int64)
    status = np.full(shape, int(Status.MISSING), np.uint8)
    method = np.zeros(shape, np.uint8)
    for batch, at in _mine(channel, batches, layer):
        # Versions come in order, so the last one written is the newest.
        for n in at.tolist():
            day = int(batch.days[n]) - first
            values[day], status[day], method[day] = (
                batch.values[n], batch.status[n], batch.method[n],
            )  # fmt: skip
    return values.reshape(-1), status.reshape(-1), method.reshape(-1)


def _index(instant: datetime, first: int, minutes: int) -> int:
    """Return how many intervals lie between the first UTC day and an instant."""
    of_day = instant.hour * 60 + instant.minute
    return ((epoch_day(instant.date()) - first) * DAY_MINUTES + of_day) // minutes


def _channel(
    channel: Channel, batches: list[Batch], period: Period, first: int, last: int
) -> ChannelRow:
    window = slice(
        _index(period.start_utc, first, channel.minutes),
        _index(period.end_utc, first, channel.minutes),
    )
    _values, raw, _method = _laid_out(channel, batches, Layer.RAW, first, last)
    values, status, method = (
        part[window] for part in _laid_out(channel, batches, Layer.FINAL, first, last)
    )
    letters = _LETTER[status]
    made = np.isin(letters, ["E", "S"])
    point = channel.delivery_point
    return ChannelRow(
        code=channel.code,
        unit=channel.unit,
        received=None if channel.is_virtual else int((raw[window] != Status.MISSING).sum()),
        counts={name: int((letters == name).sum()) for name in LETTERS},
        energy={name: _sum(values[letters == name]) for name in LETTERS},
        methods={
            _method_name(code): (
                int((method[made] == code).sum()),
                _sum(values[made & (method == code)]),
            )
            for code in np.unique(method[made]).tolist()
        },
        is_balance=channel.role == Role.MAIN
        and channel.quantity == "KWH"
        and point.kind not in BESIDE,
        is_energy=channel.quantity in ENERGY,
    )


def _sum(values: np.ndarray) -> Decimal:
    """Return the exact sum of those that have a value."""
    return from_micro(exact.total(values[values != MISSING]))


def _method_name(code: int) -> str:
    return Method(code).name


def _final(
    channel: Channel,
    batches: list[Batch],
    visible: Mapping[int, Publication],
    period: Period,
    now: datetime,
) -> FinalRow:
    """Return how long each local day took until all its intervals could be billed at once."""
    known: dict[int, list[tuple[datetime, np.ndarray]]] = {}
    for batch, at in _mine(channel, batches, Layer.FINAL):
        for n in at.tolist():
            published = visible[int(batch.publication_ids[n])].published_at
            known.setdefault(int(batch.days[n]), []).append((published, batch.status[n]))
    found: list[int | None] = []
    for day in period.days():
        start, end = period.day_bounds(day)
        if end > now:
            continue
        ready = [_ready(known, channel.minutes, start, end, n) for n in _days(start, end)]
        if None in ready:
            found.append(None)
            continue
        waited = max(moment for moment in ready if moment is not None) - end
        found.append(max(0, waited // timedelta(minutes=1)))
    return FinalRow(channel.code, tuple(found))


def _days(start: datetime, end: datetime) -> range:
    first, last = day_span(start, end)
    return range(first, last + 1)


def _ready(
    known: Mapping[int, list[tuple[datetime, np.ndarray]]],
    minutes: int,
    start: datetime,
    end: datetime,
    day: int,
) -> datetime | None:
    """Return when the part of [start, end) in a UTC day could first be billed."""
    per_day = DAY_MINUTES // minutes
    lowest = max(_index(start, day, minutes), 0)
    highest = min(_index(end, day, minutes), per_day)
    for published, status in known.get(day, ()):
        if _BILLABLE[status[lowest:highest]].all():
            return published
    return None


def _touching(period: Period) -> dict[str, datetime]:
    return {"start_utc__lt": period.end_utc, "end_utc__gt": period.start_utc}


def _findings(
    channels: list[Channel], period: Period, titles: Mapping[str, str]
) -> list[FindingRow]:
    rows = Finding.objects.filter(channel__in=channels, **_touching(period))
    return [
        FindingRow(
            row.rule_code,
            titles.get(row.rule_code, ""),
            row.get_state_display(),
            row.created_at,
            # What rules settle themselves has no decision: it never waited for anybody.
            row.decided_at or (None if row.state == FindingState.OPEN else row.created_at),
        )
        for row in rows
    ]


def _edits(channels: list[Channel], period: Period) -> list[EditRow]:
    units = {channel.pk: channel.unit for channel in channels}
    return [
        EditRow(
            row.actor,
            row.approver,
            row.get_reason_code_display(),
            None
            if row.before_total is None or row.after_total is None
            else row.after_total - row.before_total,
            units[row.channel_id],
        )
        for row in Edit.objects.filter(channel__in=channels, **_touching(period))
    ]
