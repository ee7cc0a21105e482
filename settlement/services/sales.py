"""Readings and prices that change under what a revenue pool sold: its month is divided anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.models import IndexSeries
from meters.models import Publication
from poweroptix.audit.actor import Actor
from poweroptix.kernel.period import Period
from poweroptix.kernel.words import counted
from settlement.models import PoolMonth
from settlement.queries.money import billed_otherwise
from settlement.services.money import divide_month

#: No zone is farther from UTC, so no month that a publication touches is passed over.
REACH = timedelta(days=1)


def divide_for_readings(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Divide the months anew that sold the energy of these channels.

    Listens to publications, in their transaction; equal values change nothing.
    """
    now = publication.published_at or publication.created_at
    _divide(first_utc, last_utc, now, pool__sales__channel__in=list(channel_ids))


def divide_for_prices(
    series: IndexSeries, first_utc: datetime, last_utc: datetime, now: datetime
) -> list[str]:
    """Divide the months anew that sold at these prices; say which approved runs bill otherwise.

    Listens to publications of prices, in their transaction; equal prices change nothing.
    """
    return _divide(first_utc, last_utc, now, pool__sales__index=series.pk)


def _divide(first_utc: datetime, last_utc: datetime, now: datetime, **sold: Any) -> list[str]:
    months = PoolMonth.objects.filter(
        state="CALCULATED",
        period__gte=f"{first_utc - REACH:%Y-%m}",
        period__lte=f"{last_utc + REACH:%Y-%m}",
        **sold,
    ).select_related("pool__campus")
    told = []
    found = {(month.pool.campus_id, month.period): month.pool.campus for month in months}
    for (campus_id, label), campus in sorted(found.items()):
        period = Period.month(campus.zone, label)
        divide_month(campus, period, now=now, actor=Actor.system("sales"))
        unequal = billed_otherwise(campus_id, label)
        if unequal:
            runs = counted(len(unequal), "approved run")
            told.append(f"{campus.code} {label}: {runs} bill other shares of pools than now.")
    return told
