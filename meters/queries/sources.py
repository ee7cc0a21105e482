"""Questions about sources: how each is, which need somebody, what arrived."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncDate

from meters.models import Health, ImportFile, Source

MINUTE = timedelta(minutes=1)


def sources(now: datetime) -> QuerySet[Source]:
    """Return sources with `last_arrival_at`, `next_look_at` and `health` (a word of `Health`).

    Failing: the last look or one of its files failed. Late: nothing new for longer than the
    cadence. What is paused is neither.
    """
    newest = ImportFile.objects.filter(source=OuterRef("code")).order_by("-id")
    due = ExpressionWrapper(
        Value(now) - F("cadence_minutes") * Value(MINUTE), output_field=DateTimeField()
    )
    late = Q(cadence_minutes__gt=0, arrival_or_setup__lt=due)
    health = Case(
        When(enabled=False, then=Value(Health.PAUSED.value)),
        When(~Q(last_error=""), then=Value(Health.FAILING.value)),
        When(late, then=Value(Health.LATE.value)),
        When(last_arrival_at__isnull=True, then=Value(Health.NEVER.value)),
        default=Value(Health.GOOD.value),
        output_field=CharField(),
    )
    return (
        Source.objects.annotate(
            last_arrival_at=Subquery(newest.values("received_at")[:1]),
            next_look_at=Case(When(enabled=True, then=F("recurring__next_run_at"))),
        )
        .annotate(arrival_or_setup=Coalesce("last_arrival_at", "created_at"))
        .annotate(health=health)
    )


def sources_needing_attention(now: datetime) -> QuerySet[Source]:
    """Return the sources that fail or are late."""
    return needing_attention(sources(now))


def needing_attention(rows: QuerySet[Source]) -> QuerySet[Source]:
    """Narrow sources with their health to those that fail or are late."""
    return rows.filter(health__in=[Health.FAILING, Health.LATE])


@dataclass(frozen=True)
class DayOfArrivals:
    """How many files came on one day of UTC."""

    day: date
    count: int


def arrivals(source: Source, now: datetime, days: int) -> list[DayOfArrivals]:
    """Return how many new files came on each of the last days of UTC, today included."""
    last = now.astimezone(UTC).date()
    first = last - timedelta(days=days - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    came = Counter(
        ImportFile.objects.filter(source=source.code, received_at__gte=since)
        .annotate(day=TruncDate("received_at", tzinfo=UTC))
        .values_list("day", flat=True)
    )
    listed = (first + timedelta(days=at) for at in range(days))
    return [DayOfArrivals(day, came[day]) for day in listed]
