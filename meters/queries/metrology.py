"""Questions about metrology records: which proof ends when, and how long points were dark.

What holds is the newest row that no other row corrects: of a meter its last test, of a metering
position (point, role, kind) its last certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q, QuerySet

from meters.calc.availability import Outage
from meters.models import (
    Channel,
    Installation,
    Interruption,
    MeterTest,
    MeterTestResult,
    TransformerCertificate,
)
from poweroptix.kernel.period import Period

WARNING_DAYS = 60


@dataclass(frozen=True)
class Proof:
    """A test or certificate that holds, the channels that rest on it, and when it ends.

    `days_left` counts from the day asked about; below zero it has lapsed. A failed test has lapsed
    whatever its date says.
    """

    kind: str
    subject: str
    certificate_number: str
    laboratory: str
    ends_on: date
    days_left: int
    has_failed: bool
    channels: tuple[str, ...]

    @property
    def has_lapsed(self) -> bool:
        """Whether nothing proves this measurement any more."""
        return self.has_failed or self.days_left < 0

    @property
    def says(self) -> str:
        """Say what is the matter and what to do."""
        name = f"{self.kind} {self.certificate_number} of {self.subject}"
        if self.has_failed:
            return f"{name} failed: exchange or adjust it, then record the new test."
        if self.days_left < 0:
            return f"{name} lapsed on {self.ends_on}: have it renewed and record the new one."
        return f"{name} is good until {self.ends_on}."


def current_proofs(today: date, *, campus_id: int | None = None) -> list[Proof]:
    """Return what holds today for everything installed and active, the earliest end first.

    Four queries, however many channels.
    """
    channels = Channel.objects.filter(is_active=True).select_related("delivery_point")
    if campus_id is not None:
        channels = channels.filter(delivery_point__campus=campus_id)
    return proofs_of(channels, today)


def proofs_of(channels: QuerySet[Channel], today: date) -> list[Proof]:
    """Return what holds today for these channels, the earliest end first."""
    chosen = list(channels)
    by_meter: dict[int, list[str]] = {}
    day = Period.day("UTC", today)
    installed = Installation.objects.filter(
        channel__in=[channel.pk for channel in chosen],
        valid__overlap=DateTimeTZRange(day.start_utc, day.end_utc),
    )
    codes = {channel.pk: channel.code for channel in chosen}
    for meter_id, channel_id in installed.values_list("meter_id", "channel_id"):
        by_meter.setdefault(meter_id, []).append(codes[channel_id])
    by_place: dict[tuple[int, str], list[str]] = {}
    for channel in chosen:
        by_place.setdefault((channel.delivery_point_id, channel.role), []).append(channel.code)
    found = _tests(by_meter, today) + _certificates(by_place, today)
    return sorted(found, key=lambda one: (not one.has_failed, one.ends_on, one.subject))


def certificates_due(within_days: int, *, today: date, campus_id: int | None = None) -> list[Proof]:
    """Return tests and certificates that have lapsed or lapse within so many days."""
    return [
        one
        for one in current_proofs(today, campus_id=campus_id)
        if one.has_lapsed or one.days_left <= within_days
    ]


def lapsed_of(channel: Channel, today: date) -> list[Proof]:
    """Return what no longer proves the measurement of a channel; three queries."""
    rows = Channel.objects.filter(pk=channel.pk).select_related("delivery_point")
    return [one for one in proofs_of(rows, today) if one.has_lapsed]


def channels_without_proof(today: date, campus_id: int) -> list[str]:
    """Return the codes of active channels whose meter has no test on record."""
    tested = {
        code
        for one in current_proofs(today, campus_id=campus_id)
        if one.kind == "Test"
        for code in one.channels
    }
    rows = Channel.objects.filter(is_active=True, delivery_point__campus=campus_id)
    return [code for code in rows.values_list("code", flat=True) if code not in tested]


def _tests(by_meter: Mapping[int, list[str]], today: date) -> list[Proof]:
    rows = (
        MeterTest.objects.filter(meter__in=list(by_meter), corrected_by=None, tested_on__lte=today)
        .select_related("meter")
        .order_by("meter_id", "-tested_on", "-pk")
        .distinct("meter_id")
    )
    return [
        Proof(
            "Test",
            f"meter {row.meter.serial}",
            row.certificate_number,
            row.laboratory,
            row.next_due,
            (row.next_due - today).days,
            row.result == MeterTestResult.FAILED,
            tuple(sorted(by_meter[row.meter_id])),
        )
        for row in rows
    ]


def _certificates(by_place: Mapping[tuple[int, str], list[str]], today: date) -> list[Proof]:
    points = {point for point, _role in by_place}
    rows = (
        TransformerCertificate.objects.filter(
            delivery_point__in=points, corrected_by=None, issued_on__lte=today
        )
        .select_related("delivery_point")
        .order_by("delivery_point_id", "role", "kind", "-issued_on", "-pk")
        .distinct("delivery_point_id", "role", "kind")
    )
    return [
        Proof(
            f"{row.kind} certificate",
            f"{row.delivery_point.code} ({row.get_role_display().lower()})",
            row.certificate_number,
            row.laboratory,
            row.expires_on,
            (row.expires_on - today).days,
            False,
            tuple(sorted(by_place[row.delivery_point_id, row.role])),
        )
        for row in rows
        if (row.delivery_point_id, row.role) in by_place
    ]


def interruptions_in(
    start_utc: datetime,
    end_utc: datetime,
    *,
    campus_id: int | None = None,
    point_ids: Iterable[int] | None = None,
) -> QuerySet[Interruption]:
    """Return the interruptions that touch [start, end); one query when listed."""
    chosen = Q(during__overlap=DateTimeTZRange(start_utc, end_utc))
    if campus_id is not None:
        chosen &= Q(delivery_point__campus=campus_id)
    if point_ids is not None:
        chosen &= Q(delivery_point__in=list(point_ids))
    return (
        Interruption.objects.filter(chosen)
        .select_related("delivery_point__campus")
        .order_by("delivery_point__code", "during")
    )


def outages(
    start_utc: datetime, end_utc: datetime, *, now: datetime, **which
) -> list[tuple[Interruption, Outage]]:
    """Return each interruption with its part in [start, end); an ongoing one lasts until `now`.

    `which` is `campus_id` or `point_ids`.
    """
    found = []
    for row in interruptions_in(start_utc, end_utc, **which):
        begin, end = max(row.during.lower, start_utc), min(row.during.upper or now, end_utc)
        if end - begin >= timedelta(0):
            found.append((row, Outage(begin, max(begin, end), row.is_planned)))
    return found
