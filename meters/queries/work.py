"""What staff ask about readings: did everything arrive, what is late, what did rules find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median_low

import numpy as np
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from meters.calc.day_quality import NEVER, DayQuality, day_qualities, energy, settled_since
from meters.models import (
    Channel,
    EditProposal,
    FileState,
    Finding,
    FindingState,
    Layer,
    PointKind,
    ProposalState,
    Publication,
    QuarantinedRecord,
    RecordState,
    Role,
)
from meters.queries.series import DAY_MINUTES, day_span
from meters.storage import Batch, epoch_day, load, load_published
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.fixed import MISSING, WIDE
from poweroptix.kernel.period import Period, day_start
from poweroptix.kernel.quality import BILLABLE, Status, letter

#: Findings of these severities wait for a person before a month is settled.
HOLDING = ("HOLD", "REJECT", "BLOCK")
#: Points that no allocation reads.
BESIDE_THE_BALANCE = (PointKind.CHECK, PointKind.FUEL)


@dataclass(frozen=True)
class DayState:
    """One channel-day: intervals expected, received, billable, and the worst quality letter."""

    expected: int
    received: int
    billable: int
    letter: str

    @property
    def received_ratio(self) -> float:
        """Return the received share of the expected intervals, for the colour of a cell."""
        return self.received / self.expected if self.expected else 1.0


@dataclass(frozen=True)
class CompletenessRow:
    """All days of one channel."""

    channel: Channel
    days: tuple[DayState, ...]


@dataclass(frozen=True)
class Completeness:
    """Channels x local days."""

    days: tuple[date, ...]
    rows: tuple[CompletenessRow, ...]


def completeness(channel_ids: Iterable[int], first_day: date, last_day: date) -> Completeness:
    """Return what arrived and what is billable per channel and local day (inclusive).

    Three queries and one read of statuses, however many channels. A local day has 23, 24 or 25
    hours of intervals.
    """
    ids = list(dict.fromkeys(channel_ids))
    channels = Channel.objects.filter(pk__in=ids).select_related("delivery_point__campus").in_bulk()
    missing = [str(i) for i in ids if i not in channels]
    if missing:
        raise NotFoundError("channel.unknown", f"There is no channel {', '.join(missing[:5])}.")
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    zones = {channels[i].delivery_point.campus.zone for i in ids}
    edges = {
        zone: [day_start(day, zone) for day in [*days, last_day + timedelta(days=1)]]
        for zone in zones
    }
    if not ids or not days:
        return Completeness(tuple(days), ())
    span = day_span(min(e[0] for e in edges.values()), max(e[-1] for e in edges.values()))
    batches = load_published(ids, *span, content=False)
    rows = []
    for channel_id in ids:
        channel = channels[channel_id]
        bounds = edges[channel.delivery_point.campus.zone]
        rows.append(CompletenessRow(channel, _day_states(channel, batches, span, bounds)))
    return Completeness(tuple(days), tuple(rows))


def _day_states(
    channel: Channel, batches: list[Batch], span: tuple[int, int], bounds: list[datetime]
) -> tuple[DayState, ...]:
    """Return the state of each local day of one channel."""
    final = _statuses(channel, batches, span, Layer.FINAL)
    # What is computed arrives as it is final.
    raw = final if channel.is_virtual else _statuses(channel, batches, span, Layer.RAW)
    received = np.concatenate(([0], np.cumsum(raw != Status.MISSING)))
    billable = np.concatenate(([0], np.cumsum(np.isin(final, [int(s) for s in BILLABLE]))))
    at = [_index(bound, span[0], channel.minutes) for bound in bounds]
    return tuple(
        DayState(
            expected=b - a,
            received=int(received[b] - received[a]),
            billable=int(billable[b] - billable[a]),
            letter=letter(int(final[a:b].max())) if b > a else "",
        )
        for a, b in pairwise(at)
    )


def _index(instant: datetime, first: int, minutes: int) -> int:
    """Return how many intervals lie between the first UTC day and an instant."""
    day_minutes = instant.hour * 60 + instant.minute
    return ((epoch_day(instant.date()) - first) * DAY_MINUTES + day_minutes) // minutes


def _statuses(
    channel: Channel, batches: list[Batch], span: tuple[int, int], layer: int
) -> np.ndarray:
    """Return one status per interval of a channel over whole UTC days."""
    per_day = DAY_MINUTES // channel.minutes
    status = np.full((span[1] - span[0] + 1, per_day), int(Status.MISSING), np.uint8)
    for batch in batches:
        if batch.minutes == channel.minutes:
            mine = (batch.channel_ids == channel.pk) & (batch.layers == layer)
            status[batch.days[mine] - span[0]] = batch.status[mine]
    return status.reshape(-1)


@dataclass(frozen=True)
class ChannelQuality:
    """A channel in a month: its days, and how much of what flowed is estimated, in its unit."""

    channel: Channel
    days: tuple[DayQuality, ...]
    total: Decimal
    estimated: Decimal

    @property
    def estimated_ratio(self) -> Decimal | None:
        """The estimated or substituted share; None where nothing flowed."""
        return WIDE.divide(self.estimated, self.total) if self.total else None

    @property
    def open_count(self) -> int:
        """How many days cannot be billed as they stand."""
        return sum(bool(day.expected) and day.minutes_to_final is None for day in self.days)

    @property
    def hours_to_final(self) -> int | None:
        """Whole hours from the end of a day to its final reading, of the day in the middle."""
        waited = [d.minutes_to_final for d in self.days if d.minutes_to_final is not None]
        return median_low(waited) // 60 if waited else None

    @property
    def hours_to_final_max(self) -> int | None:
        """The same of the day that took longest."""
        waited = [d.minutes_to_final for d in self.days if d.minutes_to_final is not None]
        return max(waited) // 60 if waited else None


def quality_board(
    channels: Iterable[Channel], period: Period, *, now: datetime
) -> tuple[ChannelQuality, ...]:
    """Return how sure every local day of channels is; two queries, however many channels.

    Intervals that begin at `now` or later are not due and count nowhere.
    """
    rows = list(channels)
    span = day_span(period.start_utc, period.end_utc)
    days = period.days()
    edges = [*(period.day_bounds(day)[0] for day in days), period.end_utc]
    ends = [epoch_day(e.date()) * DAY_MINUTES + e.hour * 60 + e.minute for e in edges[1:]]
    final = _final_since([row.pk for row in rows], span)
    found = []
    for channel in rows:
        per_day = DAY_MINUTES // channel.minutes
        laid = final.get((channel.pk, channel.minutes))
        if laid is None:
            shape = (span[1] - span[0] + 1) * per_day
            laid = (
                np.full(shape, MISSING, np.int64),
                np.full(shape, int(Status.MISSING), np.uint8),
                np.full(shape, NEVER, np.int64),
            )
        values, status, since = laid
        due = min(max(now, period.start_utc), period.end_utc)
        at = [_index(min(edge, due), span[0], channel.minutes) for edge in edges]
        month = slice(at[0], at[-1])
        found.append(
            ChannelQuality(
                channel,
                day_qualities(status, since, at, ends),
                *energy(values[month], status[month]),
            )
        )
    return tuple(found)


def _final_since(
    ids: list[int], span: tuple[int, int]
) -> dict[tuple[int, int], tuple[np.ndarray, ...]]:
    """Return values, statuses and their age over whole UTC days by (channel, interval minutes)."""
    batches = load(ids, *span, layers=[Layer.FINAL])
    wanted = {int(one) for batch in batches for one in np.unique(batch.publication_ids)}
    seen = {
        pk: int(at.timestamp()) // 60
        for pk, at in Publication.objects.filter(
            pk__in=wanted, published_at__isnull=False
        ).values_list("pk", "published_at")
    }
    found: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}
    for batch in batches:
        part = batch.take(np.isin(batch.publication_ids, list(seen)))
        if not len(part):
            continue
        keys = part.channel_ids * (1 << 20) + part.days
        days, group = np.unique(keys, return_inverse=True)
        published = np.array([seen[one] for one in part.publication_ids.tolist()], np.int64)
        columns = settled_since(group, published, part.values, part.status)
        channel_of, day_of = days >> 20, (days & ((1 << 20) - 1)) - span[0]
        for pk in np.unique(channel_of).tolist():
            mine = channel_of == pk
            found[pk, batch.minutes] = tuple(
                _laid(column[mine], day_of[mine], span, blank)
                for column, blank in zip(
                    columns, (MISSING, int(Status.MISSING), NEVER), strict=True
                )
            )
    return found


def _laid(rows: np.ndarray, days: np.ndarray, span: tuple[int, int], blank: int) -> np.ndarray:
    """Return the rows of days as one column over the span; days without a row are blank."""
    laid = np.full((span[1] - span[0] + 1, rows.shape[1]), blank, rows.dtype)
    laid[days] = rows
    return laid.reshape(-1)


def open_findings(
    *,
    campus_id: int | None = None,
    channel_ids: Iterable[int] | None = None,
    start_utc: datetime | None = None,
    end_utc: datetime | None = None,
    severities: Iterable[str] | None = None,
) -> QuerySet[Finding]:
    """Return findings that wait for a decision, the gravest first; one query when listed."""
    rank = Case(
        *[
            When(severity=name, then=Value(n))
            for n, name in enumerate(["BLOCK", "REJECT", "HOLD", "ESTIMATE", "WARN", "INFO"])
        ],
        default=Value(9),
        output_field=IntegerField(),
    )
    found = (
        Finding.objects.filter(state=FindingState.OPEN)
        .select_related("channel__delivery_point__campus")
        .annotate(rank=rank)
        .order_by("rank", "start_utc", "pk")
    )
    if campus_id is not None:
        found = found.filter(channel__delivery_point__campus=campus_id)
    if channel_ids is not None:
        found = found.filter(channel__in=list(channel_ids))
    if start_utc is not None:
        found = found.filter(end_utc__gt=start_utc)
    if end_utc is not None:
        found = found.filter(start_utc__lt=end_utc)
    if severities is not None:
        found = found.filter(severity__in=list(severities))
    return found


def edits_to_confirm() -> QuerySet[EditProposal]:
    """Return the edits that wait for a second person, the oldest first; one query when listed."""
    return (
        EditProposal.objects.filter(state=ProposalState.PROPOSED)
        .select_related("channel__delivery_point__campus")
        .order_by("pk")
    )


def holds_month() -> Q:
    """Return the condition of findings that keep a month from being settled while they are open.

    Only the main energy channels of the balance are settled; a finding of a check meter or of fuel
    may be as grave, but it holds no month.
    """
    return Q(
        ~Q(channel__delivery_point__kind__in=BESIDE_THE_BALANCE),
        severity__in=HOLDING,
        channel__role=Role.MAIN,
        channel__quantity="KWH",
    )


def effect(finding: Finding) -> str:
    """Say what an open finding does to the month of its channel."""
    channel = finding.channel
    if finding.state != FindingState.OPEN or channel is None:
        return ""
    if channel.role != Role.MAIN:
        return f"{channel.get_role_display().lower()} channel: holds no month"
    if channel.quantity != "KWH" or channel.delivery_point.kind in BESIDE_THE_BALANCE:
        return "not part of the balance, holds no month"
    return "holds the month" if finding.severity in HOLDING else "holds no month"


def with_problems(files: QuerySet) -> QuerySet:
    """Return the files that were refused, or of which records wait in quarantine."""
    waiting = QuarantinedRecord.objects.filter(import_file=OuterRef("pk"), state=RecordState.OPEN)
    return files.filter(Exists(waiting) | Q(state=FileState.REFUSED))
