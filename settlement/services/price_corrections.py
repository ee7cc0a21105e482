"""Revised and late prices: which runs rest on other prices than the newest ones."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np

from contracts.models import IndexSeries
from contracts.queries import prices_for
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from settlement.models import Correction, SettlementRun
from settlement.queries.resolver import StoredResolver
from settlement.services.corrections import FLAGGED

#: Runs read prices of days before their period where a term names a ladder or a gas day.
REACH = timedelta(days=70)


def flag_prices(
    series: IndexSeries, first_utc: datetime, last_utc: datetime, now: datetime
) -> list[str]:
    """Note for every run that read prices of a series how many of them differ now.

    Listens to publications of prices, in their transaction. Prices that went back to what a run
    read take its flag away; a publication that only says "final" of equal prices flags nothing.
    Returns the approved runs in sentences.
    """
    runs = SettlementRun.objects.filter(
        state__in=FLAGGED, start_utc__lt=last_utc + REACH, end_utc__gt=first_utc - REACH
    )
    told = []
    for run in runs.select_related("contract").order_by("period", "contract__code", "version"):
        before, after = _prices(run, series.code)
        if before is None or after is None:
            continue
        count = _note(run, series.code, before, after, now)
        if count and run.is_settled:
            told.append(
                f"{run.contract.code} {run.period} v{run.version} is approved with other prices: "
                "a correction waits."
            )
    return told


def _prices(run: SettlementRun, code: str) -> tuple[PriceSeries | None, PriceSeries | None]:
    """Return the prices that a run read and the newest ones; None where it reads no such series."""
    content = bytes(run.inputs)
    if code.encode() not in content:
        return None, None
    entry = json.loads(content)["prices"].get(code)
    if entry is None or "ref" not in entry:
        return None, None
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    reach = {code: entry["ref"].get("days_before", 0)}
    found, _ = prices_for([code], period, days_before=reach)
    return StoredResolver(period).prices(code, entry["ref"]), found[code]


def _note(
    run: SettlementRun, code: str, before: PriceSeries, after: PriceSeries, now: datetime
) -> int:
    """Write, rewrite or take away the correction of a run; return how many prices differ."""
    differs = np.flatnonzero(before.values != after.values)
    if not differs.size:
        Correction.objects.filter(run=run, series=code).delete()
        return 0
    Correction.objects.update_or_create(
        run=run,
        channel_id=None,
        series=code,
        defaults={
            "tenant_id": run.tenant_id,
            "scope": Correction.Scope.PRICE,
            "start_utc": after.grid.start_of(int(differs[0])),
            "end_utc": after.grid.start_of(int(differs[-1]) + 1),
            "interval_count": int(differs.size),
            "created_at": now,
        },
    )
    return int(differs.size)
